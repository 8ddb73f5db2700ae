"""Equality with the published schedule and sampling loop. Golden figures: ../golden/README.md."""

from __future__ import annotations

import pytest
import torch
from transformer_inputs import CLIPS, GEOMETRY, NOISE_SEED, STEPS, FixedRandomness, clip_audio, conditions
from transformer_parity import golden, relative_error

from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.schedule import Schedule
from farm_engine.liveavatar.sampling.settings import RolloutSettings

FLOAT32_LIMIT = 1e-5


@pytest.mark.parametrize("steps", [3, 4, 5, 6])
def test_the_schedule_is_the_published_one(steps: int):
    figures = golden("transformer.safetensors")
    schedule = Schedule.of(steps)
    assert torch.equal(torch.tensor(schedule.sigmas), figures[f"schedule.{steps}.sigmas"])
    assert torch.equal(torch.tensor(schedule.timesteps), figures[f"schedule.{steps}.timesteps"])


@pytest.mark.parametrize("anchor", ["portrait", "first-latent"])
def test_two_clips_are_those_of_the_published_pipeline(anchor: str, model):
    expected = golden("two_clips.safetensors")[anchor]
    settings = RolloutSettings(
        width=GEOMETRY.width, height=GEOMETRY.height, seed=NOISE_SEED, steps=STEPS, anchor=anchor
    )
    rollout = Rollout(model, conditions(), settings, randomness=FixedRandomness())
    blocks = [latents for clip in range(CLIPS) for latents in rollout.render_clip(clip_audio(clip))]
    assert relative_error(torch.cat(blocks, dim=1), expected) < FLOAT32_LIMIT
