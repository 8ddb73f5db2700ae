"""Loading all networks of a layout."""

from __future__ import annotations

import pytest
import torch

from farm_engine.liveavatar.checkpoints import models as checkpoint_models
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.models import LoadedModels, load_models
from farm_engine.liveavatar.checkpoints.sources import SafetensorsFile, ShardedSafetensors

CPU = torch.device("cpu")


def load(layout: PublishedLayout, report=lambda phase, fraction: None, dtype=torch.float32) -> LoadedModels:
    return load_models(layout, device=CPU, dtype=dtype, report=report)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_layout_loads_and_nothing_is_left_out(published, dtype):
    models = load(published, dtype=dtype)
    for module in (models.transformer, models.vae, models.text.model, models.speech):
        tensors = [*module.named_parameters(remove_duplicate=False), *module.named_buffers()]
        assert [name for name, tensor in tensors if tensor.is_meta or tensor.dtype != dtype] == []
    assert models.text.encode("a person speaks").embedding.isfinite().all()


def test_loading_gives_the_values_in_the_files_with_lora_merged(published):
    models = load(published)
    index = ShardedSafetensors(published.transformer_index)
    factors = SafetensorsFile(published.lora)
    name = "blocks.1.ffn.0"
    down, up = (factors.read(f"{name}.lora_{factor}.default.weight").float() for factor in "AB")
    expected = index.read(f"{name}.weight").float() + 64 / 128 * (up @ down)
    torch.testing.assert_close(models.transformer.get_parameter(f"{name}.weight"), expected)
    untouched = "head.head.weight"
    assert torch.equal(models.transformer.get_parameter(untouched), index.read(untouched).float())


def test_what_a_video_needs_once_stays_in_host_memory(published, monkeypatch):
    """The meta device stands for the GPU; a copy from there has no values, so they are created here."""
    monkeypatch.setattr(checkpoint_models, "in_host_memory", lambda weight: torch.zeros(weight.shape))
    models = load_models(published, device=torch.device("meta"), dtype=torch.float32)
    resting = {name for name, parameter in models.transformer.named_parameters() if not parameter.is_meta}
    layers = range(models.transformer.config.num_layers)
    assert resting == {f"blocks.{layer}.cross_attn.{part}.weight" for layer in layers for part in "kv"}
    assert {parameter.device.type for parameter in models.text.model.parameters()} == {"cpu"}
    assert {parameter.device.type for parameter in models.vae.parameters()} == {"meta"}
    assert {parameter.device.type for parameter in models.speech.parameters()} == {"meta"}
    text = torch.empty(models.transformer.config.text_len, models.transformer.config.dim, device="meta")
    assert models.transformer.blocks[0].cross_attn.key_value(text).key.is_meta


def test_progress_rises_to_one_in_every_phase(published):
    seen: list[tuple[str, float]] = []
    load(published, report=lambda phase, fraction: seen.append((phase, fraction)))
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)
    assert seen[-1][1] == 1.0
    assert len({phase for phase, _ in seen}) == 4
