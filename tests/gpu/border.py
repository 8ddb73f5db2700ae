"""The border state at real size: its bytes, what a rebuild costs and how far off it is; repeats and interrupts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import torch
from torch import Tensor

from farm_engine.liveavatar.sampling.border_state import BorderState
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.config import Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from farm_engine.protocol import Interrupted
from tests.gpu import real_size
from tests.gpu.measure import forget_peak, relative_error, synchronize


def measure_border(
    model: DiffusionTransformer, geometry: Geometry, *, clips: int, histories: list[int]
) -> dict[str, object]:
    """Renders `clips` clips and one more; then the one more again from rebuilt rings, for each length of the record."""
    settings = RolloutSettings(width=geometry.width, height=geometry.height, seed=420, history_clips=max(histories))
    rollout = Rollout(model, real_size.conditions(geometry, model.config), settings)
    for _ in range(clips):
        _clip(rollout)
    state = rollout.border_state()
    expected = _clip(rollout)
    del rollout
    return {
        "afterClips": clips,
        "rebuilds": [_rebuild(model, state, expected=expected, count=count) for count in histories],
        "replayEqual": _replay_is_equal(model, state),
    }


def measure_repeat_and_interrupt(model: DiffusionTransformer, geometry: Geometry) -> dict[str, object]:
    settings = RolloutSettings(width=geometry.width, height=geometry.height, seed=420)
    runs = []
    for _ in range(2):
        forget_peak()
        rollout = Rollout(model, real_size.conditions(geometry, model.config), settings)
        runs.append(torch.cat([_clip(rollout), _clip(rollout)], dim=1))
    return {"twoRunsEqual": torch.equal(*runs), "interruptSeconds": _interrupt_seconds(rollout)}


def _rebuild(model: DiffusionTransformer, state: BorderState, *, expected: Tensor, count: int) -> dict[str, object]:
    forget_peak()
    shorter = dataclasses.replace(state, history=state.history[-count:])
    data = shorter.to_bytes()
    synchronize()
    start = time.perf_counter()
    resumed = Rollout.resume(model, BorderState.from_bytes(data))
    synchronize()
    seconds = time.perf_counter() - start
    found = _clip(resumed)
    return {
        "historyClips": count,
        "bytes": len(data),
        "rebuildSeconds": round(seconds, 2),
        "relativeErrorOfTheNextClip": float(f"{relative_error(found, expected):.3e}"),
        "equal": torch.equal(found, expected),
    }


def _replay_is_equal(model: DiffusionTransformer, state: BorderState) -> bool:
    shorter = dataclasses.replace(state, history=state.history[-1:])
    clips = []
    for _ in range(2):
        forget_peak()
        clips.append(_clip(Rollout.resume(model, BorderState.from_bytes(shorter.to_bytes()))))
    return torch.equal(*clips)


def _interrupt_seconds(rollout: Rollout) -> float:
    """From the request to stop, in the middle of a block, to an idle device."""
    begin = time.perf_counter()
    requested = None

    def check() -> None:
        nonlocal requested
        if requested is not None:
            raise Interrupted
        if time.perf_counter() - begin > 0.1:
            requested = time.perf_counter()

    try:
        _clip(rollout, check)
    except Interrupted:
        synchronize()
    return round(time.perf_counter() - (requested or begin), 3)


def _clip(rollout: Rollout, check: Callable[[], None] = lambda: None) -> Tensor:
    audio = real_size.clip_audio(rollout.clip, rollout.model.config)
    return torch.cat(list(rollout.render_clip(audio, check)), dim=1)
