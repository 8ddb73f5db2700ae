"""Compiled layers: the same result, and nothing compiled again while the rings fill and wrap."""

from __future__ import annotations

import pytest
import torch
from transformer_inputs import GEOMETRY, clip_audio, conditions
from transformer_parity import relative_error

from farm_engine.liveavatar.memory.layerwise import compute_layer_by_layer
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.compilation import compile_layers


@pytest.mark.parametrize("visits", [False, True])
def test_all_layers_share_four_programs_and_keep_them(model, visits):
    settings = RolloutSettings(width=GEOMETRY.width, height=GEOMETRY.height, seed=7)
    plain = Rollout(model, conditions(), settings)
    expected = [latents for clip in range(2) for latents in plain.render_clip(clip_audio(clip))]

    programs = 0

    def count(graph: torch.fx.GraphModule, _: list[torch.Tensor]) -> torch.fx.GraphModule:
        nonlocal programs
        programs += 1
        return graph

    if visits:
        compute_layer_by_layer(model.rarely_used_layers().values(), model.device)
    torch._dynamo.reset()
    compile_layers(model, backend=count)
    compiled = Rollout(model, conditions(), settings)
    found = [latents for clip in range(2) for latents in compiled.render_clip(clip_audio(clip))]
    assert programs == 4
    assert max(relative_error(a, b) for a, b in zip(found, expected, strict=True)) < 1e-6
