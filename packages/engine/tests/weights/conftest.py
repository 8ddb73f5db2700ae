from __future__ import annotations

import pytest
from hub_server import HubServer
from published_files import BASE, LORA, SHARD, random_bytes

from farm_engine.weights.hub import Hub
from farm_engine.weights.inventory import Inventory
from farm_engine.weights.pull import pull


@pytest.fixture
def hub():
    base = {
        "config.json": b'{"dim": 256}',
        "diffusion_pytorch_model.safetensors.index.json": b"{}",
        "diffusion_pytorch_model-00001-of-00002.safetensors": random_bytes(1, 3_000_000),
        SHARD: random_bytes(2, 24_000_000),
        "models_t5_umt5-xxl-enc-bf16.pth": random_bytes(3, 50_000),
        "google/umt5-xxl/tokenizer.json": random_bytes(4, 5_000),
        "Wan2.1_VAE.pth": random_bytes(5, 20_000),
        "wav2vec2-large-xlsr-53-english/config.json": b'{"hidden_size": 64}',
        "wav2vec2-large-xlsr-53-english/model.safetensors": random_bytes(6, 30_000),
        "wav2vec2-large-xlsr-53-english/flax_model.msgpack": random_bytes(7, 30_000),
        "README.md": b"# not needed",
    }
    with HubServer({BASE: base, LORA: {"liveavatar.safetensors": random_bytes(8, 40_000)}}) as server:
        yield server


@pytest.fixture
def run_pull(hub, tmp_path):
    """Pull into a folder without waiting between attempts."""
    waits: list[float] = []

    def run() -> Inventory:
        run.brought = []
        return pull(tmp_path / "weights", Hub(hub.endpoint, wait=waits.append), report=run.brought.append)

    run.waits, run.folder = waits, tmp_path / "weights"
    return run
