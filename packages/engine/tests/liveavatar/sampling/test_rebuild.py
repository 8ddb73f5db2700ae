"""What a rebuilt rollout is made from: its record, all of it, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from transformer_inputs import clip_audio, conditions

from farm_engine.liveavatar.checkpoints.random_weights import fill_with_random_weights
from farm_engine.liveavatar.memory.resident import ResidentMemory
from farm_engine.liveavatar.sampling.border_state import BorderState
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.config import TINY, Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer

GEOMETRY = Geometry(width=64, height=64)
SETTINGS = RolloutSettings(width=64, height=64, seed=7)


@pytest.fixture(scope="module")
def model() -> DiffusionTransformer:
    """One for all tests of this file: none changes it."""
    transformer = DiffusionTransformer(TINY)
    fill_with_random_weights(transformer)
    return transformer


@pytest.fixture(scope="module")
def state(model) -> BorderState:
    """After three clips: the record reaches back to the second."""
    rollout = Rollout(model, conditions(GEOMETRY), SETTINGS)
    for _ in range(3):
        next_clip(rollout)
    return rollout.border_state()


def next_clip(rollout: Rollout) -> Tensor:
    return torch.cat(list(rollout.render_clip(clip_audio(rollout.clip))), dim=1)


@pytest.mark.parametrize("recorded", [1, 2])
def test_no_slot_is_attended_to_before_the_record_has_filled_it(model, state, recorded):
    state = dataclasses.replace(state, history=state.history[-recorded:])
    used = ResidentMemory(model, GEOMETRY, steps=SETTINGS.steps)
    for tensor in used.tensors():
        tensor.fill_(torch.nan)
    expected, found = (next_clip(Rollout.resume(model, state, memory=memory)) for memory in (None, used))
    assert torch.equal(found, expected)


def test_the_state_after_a_rebuild_records_the_last_two_clips(model, state):
    assert [clip.clip for clip in state.history] == [1, 2]
    resumed = Rollout.resume(model, state)
    assert [clip.clip for clip in resumed.border_state().history] == [1, 2]
    next_clip(resumed)
    later = resumed.border_state()
    assert (later.clip, [clip.clip for clip in later.history]) == (4, [2, 3])
    assert torch.equal(later.history[0].inputs, state.history[1].inputs)
    assert torch.equal(later.history[1].audio, clip_audio(3))
