"""Loading all networks of a layout."""

from __future__ import annotations

import pytest
import torch

from farm_engine.liveavatar.checkpoints import models as checkpoint_models
from farm_engine.liveavatar.checkpoints.generator import lora_shapes
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.lora import adapted_weights
from farm_engine.liveavatar.checkpoints.models import LoadedModels, load_models
from farm_engine.liveavatar.checkpoints.sources import PickledFile, SafetensorsFile, ShardedSafetensors
from farm_engine.liveavatar.transformer.config import LIVE_AVATAR_14B
from farm_engine.liveavatar.transformer.model import DiffusionTransformer

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


@pytest.mark.parametrize("name", ["blocks.1.ffn.0", "blocks.0.cross_attn.v", "audio_injector.injector.1.o"])
def test_loading_gives_the_values_in_the_files_with_lora_merged(published, name):
    models = load(published)
    index = ShardedSafetensors(published.transformer_index)
    factors = SafetensorsFile(published.lora)
    down, up = (factors.read(f"{name}.lora_{factor}.default.weight").float() for factor in "AB")
    expected = index.read(f"{name}.weight").float() + 64 / 128 * (up @ down)
    torch.testing.assert_close(models.transformer.get_parameter(f"{name}.weight"), expected)
    untouched = "head.head.weight"
    assert torch.equal(models.transformer.get_parameter(untouched), index.read(untouched).float())


def test_every_weight_that_the_lora_adapts_is_changed_by_it_and_no_other(published):
    models, index = load(published), ShardedSafetensors(published.transformer_index)
    changed = {
        name
        for name, parameter in models.transformer.named_parameters()
        if not torch.equal(parameter, index.read(name).float())
    }
    assert changed == set(adapted_weights(index.shapes))


def test_the_lora_of_the_14b_model_has_the_published_count_of_tensors():
    """896: q, k, v, o of two attentions and both feed-forward matrices in 40 layers, q, k, v, o of 12 injectors."""
    with torch.device("meta"):
        transformer = DiffusionTransformer(LIVE_AVATAR_14B)
    factors = lora_shapes({name: tuple(parameter.shape) for name, parameter in transformer.named_parameters()})
    assert len(factors) == 896
    of_injector = {name: shape for name, shape in factors.items() if name.startswith("audio_injector.")}
    assert len(of_injector) == 96
    assert set(of_injector.values()) == {(128, 5120), (5120, 128)}
    assert factors["blocks.39.ffn.2.lora_A.default.weight"] == (128, 13824)


def test_legacy_pth_files_load_with_the_same_values_and_say_what_they_take(published, copy, caplog):
    for path in (copy.text, copy.vae):
        tensors = torch.load(path, weights_only=True)
        torch.save(tensors, path, _use_new_zipfile_serialization=False)
        gigabytes = sum(tensor.nbytes for tensor in tensors.values()) / 1e9
        caplog.clear()
        PickledFile(path)
        assert caplog.messages == [
            f"{path} is in PyTorch's legacy format, which cannot be mapped from disk: "
            f"{gigabytes:.2f} GB are copied into host memory."
        ]
    mapped, copied = load(published), load(copy)
    for module in ("vae", "text"):
        ours, theirs = (getattr(models, module) for models in (copied, mapped))
        pairs = [(m.model if module == "text" else m).state_dict() for m in (ours, theirs)]
        assert pairs[0].keys() == pairs[1].keys()
        assert all(torch.equal(pairs[0][name], pairs[1][name]) for name in pairs[0])


def test_what_is_rarely_used_stays_in_host_memory(published, monkeypatch):
    """The meta device stands for the GPU; a copy from there has no values, so they are created here."""
    monkeypatch.setattr(checkpoint_models, "in_host_memory", lambda weight: torch.zeros(weight.shape))
    models = load_models(published, device=torch.device("meta"), dtype=torch.float32)
    resting = {name for name, parameter in models.transformer.named_parameters() if not parameter.is_meta}
    config = models.transformer.config
    attentions = [f"blocks.{layer}.cross_attn" for layer in range(config.num_layers)]
    injected = range(len(config.audio_inject_layers))
    attentions += [f"audio_injector.injector.{index}" for index in injected]
    norms = {f"audio_injector.injector_adain_layers.{index}.linear.weight" for index in injected}
    times = {"time_embedding.0.weight", "time_embedding.2.weight", "time_projection.1.weight"}
    assert resting == {f"{attention}.{part}.weight" for attention in attentions for part in "kv"} | norms | times
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
