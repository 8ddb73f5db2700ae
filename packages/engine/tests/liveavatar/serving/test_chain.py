"""Saved states, and renders that continue from them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from recording_control import forget_chain, render

from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.serving.chain import Chain
from farm_engine.liveavatar.serving.online_decoder import OnlineDecoder


def test_a_border_state_is_named_for_each_piece_that_ends_at_a_clip(engine, request_for, tmp_path):
    states = tmp_path / "states"
    states.mkdir()
    control = render(engine, request_for(48, 30, 18, state_directory=states))
    assert [path.name for path in control.states] == ["border-48.safetensors", "border-96.safetensors"]
    assert sorted(path.name for path in states.iterdir()) == ["border-48.safetensors", "border-96.safetensors"]


def test_a_resumed_render_shows_what_the_unbroken_one_shows(engine, request_for, tmp_path):
    unbroken = render(engine, request_for(48, 48, state_directory=tmp_path)).frames[48:]
    forget_chain(engine)
    request = request_for(48, first_frame=48, resume_state_path=tmp_path / "border-48.safetensors")
    # The rings are rebuilt exactly this early, the decoder always.
    assert np.array_equal(render(engine, request).frames, unbroken)


@pytest.mark.parametrize("clips", [1, 3, 4, 5])
def test_a_saved_state_rebuilds_the_decoder_exactly(engine, clips):
    motion = torch.randn(16, 19, 8, 8)
    latents = torch.randn(16, 12 * clips + 3, 8, 8)
    conditions = Conditions(reference=motion[:, :1], motion=motion, text=torch.randn(4, 64))
    chain = Chain.start(engine._models, conditions, RolloutSettings(width=64, height=64, seed=1, steps=4))
    chain._rollout = RolloutOf(latents)
    for _ in range(clips):
        for block in chain.render_clip(torch.zeros(0), lambda: None):
            chain.decoder.decode(block)
    rebuilt = OnlineDecoder(engine._models.vae, warm_up=chain._past)
    after = latents[:, -3:]
    assert np.array_equal(chain.decoder.decode(after)(), rebuilt.decode(after)())


class RolloutOf:
    """A rollout whose blocks are known."""

    def __init__(self, latents: torch.Tensor) -> None:
        self._blocks = iter(latents.split(3, dim=1))

    def render_clip(self, *_):
        return (next(self._blocks) for _ in range(4))


@pytest.mark.parametrize("damage", ["truncated", "other size", "absent"])
def test_a_border_state_that_does_not_fit_costs_time_and_not_the_render(engine, request_for, tmp_path, damage):
    render(engine, request_for(48, state_directory=tmp_path))
    forget_chain(engine)
    path = tmp_path / "border-48.safetensors"
    request = request_for(12, first_frame=48, resume_state_path=path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "absent":
        path.unlink()
    else:
        request = dataclasses.replace(request, width=128)
    control = render(engine, request)
    assert str(path) in control.warnings["border-state-unused"]
    forget_chain(engine)
    from_the_start = render(engine, dataclasses.replace(request, resume_state_path=None))
    assert np.array_equal(control.frames, from_the_start.frames)
