"""The LoRA (arXiv 2106.09685, published with alpha 64): every weight W becomes W + alpha / rank * B @ A."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from farm_engine.liveavatar.checkpoints.errors import WeightsWrongError
from farm_engine.liveavatar.checkpoints.lora import Lora
from farm_engine.liveavatar.checkpoints.models import load_models
from farm_engine.liveavatar.checkpoints.sources import SafetensorsFile, ShardedSafetensors


def test_every_pair_of_factors_is_merged_and_every_other_weight_is_the_files(published):
    transformer = load_models(published, device=torch.device("cpu"), dtype=torch.float32).transformer
    base, factors = ShardedSafetensors(published.transformer_index), SafetensorsFile(published.lora)
    pairs = {
        name.split(".lora_A.")[0] + ".weight": (name, name.replace(".lora_A.", ".lora_B."))
        for name in factors.shapes
        if ".lora_A." in name
    }
    assert 2 * len(pairs) == len(factors.shapes)
    for name in base.shapes:
        expected = base.read(name).float()
        if name in pairs:
            down, up = (factors.read(factor).float() for factor in pairs[name])
            expected = expected + 0.5 * (up @ down)
        torch.testing.assert_close(transformer.get_parameter(name), expected, msg=name)


@pytest.mark.parametrize("rank, strength", [(128, 0.5), (64, 1.0), (4, 16.0)])
def test_the_strength_follows_the_rank(tmp_path, rank, strength):
    name = "blocks.0.ffn.0"
    up, down = torch.randn(6, rank), torch.randn(rank, 5)
    save_file({f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}, tmp_path / "lora.safetensors")
    lora = Lora(SafetensorsFile(tmp_path / "lora.safetensors"), {f"{name}.weight": (6, 5)})
    weight = torch.randn(6, 5)
    torch.testing.assert_close(lora.merge(f"{name}.weight", weight), weight + strength * (up @ down))


@pytest.mark.parametrize("prefix", ["diffusion_model.", "model.diffusion_model."])
def test_a_prefix_of_another_program_is_named(published, tmp_path, prefix):
    renamed = {prefix + name: tensor for name, tensor in load_file(published.lora).items()}
    save_file(renamed, tmp_path / "lora.safetensors")
    shapes = {name: tuple(shape) for name, shape in ShardedSafetensors(published.transformer_index).shapes.items()}
    with pytest.raises(WeightsWrongError, match=f"begin with '{prefix}'"):
        Lora(SafetensorsFile(tmp_path / "lora.safetensors"), shapes)
