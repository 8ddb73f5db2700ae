"""The files that the tests' hub publishes, and what can happen to them."""

from __future__ import annotations

import random
from pathlib import Path

from huggingface_hub import constants

from farm_engine.weights.catalog import CATALOG

BASE, LORA = CATALOG[0].name, CATALOG[1].name
SHARD = "diffusion_pytorch_model-00002-of-00002.safetensors"
CHUNK = constants.DOWNLOAD_CHUNK_SIZE  # what is lost of an interrupted download, at most
SHARD_PATH = f"Wan2.2-S2V-14B/{SHARD}"


def random_bytes(seed: int, count: int) -> bytes:
    return random.Random(seed).randbytes(count)


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "wrong size":
        path.write_bytes(content[:-1])
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
