"""The border state: small, exact where it can be, repeatable everywhere."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor
from transformer_inputs import clip_audio, conditions
from transformer_parity import relative_error

from farm_engine.liveavatar.sampling.border_state import BorderState, BorderStateError
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.config import Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from farm_engine.protocol import Interrupted

SUPPORT = Path(__file__).parents[2] / "support"
GEOMETRY = Geometry(width=64, height=64)
SETTINGS = RolloutSettings(width=GEOMETRY.width, height=GEOMETRY.height, seed=7)


def clip(rollout: Rollout) -> Tensor:
    return torch.cat(list(rollout.render_clip(clip_audio(rollout.clip))), dim=1)


def rendered(model: DiffusionTransformer, clips: int, settings: RolloutSettings = SETTINGS) -> Rollout:
    rollout = Rollout(model, conditions(GEOMETRY), settings)
    for _ in range(clips):
        clip(rollout)
    return rollout


def through_bytes(rollout: Rollout) -> BorderState:
    return BorderState.from_bytes(rollout.border_state().to_bytes())


def stop_before_step(index: int) -> Callable[[], None]:
    """A check that interrupts the render the `index`-th time it is called, counted from 0."""
    steps = itertools.count()

    def check() -> None:
        if next(steps) == index:
            raise Interrupted

    return check


def test_taking_a_state_changes_nothing_for_the_worker_that_continues(model):
    asked, unasked = rendered(model, 2), rendered(model, 2)
    asked.border_state().to_bytes()
    assert torch.equal(clip(asked), clip(unasked))


@pytest.mark.parametrize("clips", [0, 1, 2])
def test_a_rebuild_that_reaches_back_to_the_first_clip_is_exact(clips: int, model):
    rollout = rendered(model, clips)
    resumed = Rollout.resume(model, through_bytes(rollout))
    assert torch.equal(clip(rollout), clip(resumed))
    assert torch.equal(clip(rollout), clip(resumed))


def test_a_later_rebuild_is_close_and_recording_more_clips_brings_it_closer(model):
    rollout = rendered(model, 4, dataclasses.replace(SETTINGS, history_clips=3))
    state = through_bytes(rollout)
    expected = clip(rollout)
    errors = []
    for count in (1, 2, 3):
        shorter = dataclasses.replace(state, history=state.history[-count:])
        errors.append(relative_error(clip(Rollout.resume(model, shorter)), expected))
    assert 1e-2 > errors[0] > errors[1] > errors[2]


def test_the_same_state_always_rebuilds_the_same_video(model):
    state = through_bytes(rendered(model, 4))
    first, second = Rollout.resume(model, state), Rollout.resume(model, state)
    assert torch.equal(clip(first), clip(second))
    assert through_bytes(first).clip == 5
    assert torch.equal(clip(first), clip(second))


def test_an_interrupted_clip_is_rendered_again_from_the_border_before_it(model):
    rollout = rendered(model, 2)
    state = through_bytes(rollout)
    expected = clip(rendered(model, 2))
    with pytest.raises(Interrupted):
        list(rollout.render_clip(clip_audio(2), check=stop_before_step(5)))
    assert torch.equal(clip(Rollout.resume(model, state)), expected)


def test_another_process_continues_with_equal_latents(model, tmp_path: Path):
    rollout = rendered(model, 3)
    (tmp_path / "border").write_bytes(rollout.border_state().to_bytes())
    here = clip(Rollout.resume(model, through_bytes(rollout)))
    program = SUPPORT / "resume_in_process.py"
    command = [sys.executable, program, tmp_path / "border", tmp_path / "latents"]
    subprocess.run(command, check=True, timeout=120, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert torch.equal(torch.load(tmp_path / "latents"), here)


def test_a_state_is_megabytes(model):
    rollout = rendered(model, 3)
    latents = 16 * 3 * GEOMETRY.latent_height * GEOMETRY.latent_width * 4
    recorded = 2 * 4 * 4 * latents + 2 * 25 * model.config.audio_dim * 48 * 4
    given = conditions(GEOMETRY)
    fixed = (given.reference.numel() * 2 + given.motion.numel() + given.text.numel()) * 4
    assert recorded + fixed < len(rollout.border_state().to_bytes()) < recorded + fixed + 4096


def test_damaged_and_foreign_states_are_refused(model):
    state = rendered(model, 1).border_state()
    data = state.to_bytes()
    for damaged in (b"", data[:100], data[: len(data) // 2], b"x" * 500):
        with pytest.raises(BorderStateError, match="complete border state"):
            BorderState.from_bytes(damaged)
    tensors = safetensors.torch.load(data)
    metadata = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["border"])
    for change in ({"settings": {**metadata["settings"], "later": 1}}, {"settings": {}}, {"history": None}):
        other = safetensors.torch.save(tensors, {"border": json.dumps(metadata | change)})
        with pytest.raises(BorderStateError, match="another release"):
            BorderState.from_bytes(other)
    del tensors["reference"]
    with pytest.raises(BorderStateError, match="reference"):
        BorderState.from_bytes(safetensors.torch.save(tensors, {"border": json.dumps(metadata)}))
    foreign = dataclasses.replace(state, model=dataclasses.replace(state.model, ffn_dim=1024))
    with pytest.raises(BorderStateError, match="ffn_dim=1024"):
        Rollout.resume(model, foreign)
