"""A render that is stopped after a clip and continued in another process, compared with an uninterrupted one."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from render_job import clips_request
from safetensors.torch import load_file, save_file
from torch import Tensor

from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.liveavatar.serving.chain import Chain
from farm_engine.liveavatar.transformer.config import FRAMES_PER_CLIP
from farm_engine.protocol import Interrupted
from farm_engine.protocol.request import RenderRequest

CLIPS = 5
STOPPED_AFTER, LATE_BORDER = 2, 4
"""Clips before a border: within the record, which reaches two clips back, a rebuild is exact; later it is not."""

Say = Callable[[str, object], None]


class FrameControl:
    """A `RenderControl` that keeps frames, and stops the render once the state of clip `stop_after` is saved."""

    def __init__(self, stop_after: int | None = None) -> None:
        self._parts: list[np.ndarray] = []
        self._stop_after, self._states = stop_after, 0
        self._save_state: Callable[[], Path | None] = lambda: None

    @property
    def frames(self) -> np.ndarray:
        return np.concatenate(self._parts)

    def write_frames(self, frames: np.ndarray) -> None:
        self._parts.append(frames)
        save, self._save_state = self._save_state, lambda: None
        self._states += save() is not None

    def check(self) -> None:
        if self._stop_after is not None and self._states >= self._stop_after:
            raise Interrupted

    def save_piece_state(self, save: Callable[[], Path | None]) -> None:
        self._save_state = save

    def warn(self, code: str, message: str) -> None:
        pass

    def progress(self, phase: str) -> None:
        pass


def record(engine: LiveAvatarEngine, options: argparse.Namespace, say: Say) -> None:
    """Renders without a break, then again until it is stopped; leaves latents, frames and border states in files."""
    whole = request(options, "whole")
    control = FrameControl()
    with latents_of_clips() as latents:
        engine.render(whole, control)
    save_file({f"clip-{clip}": found for clip, found in latents.items()}, options.folder / "latents.safetensors")
    np.save(options.folder / "frames.npy", control.frames)
    engine._kept = None
    stopped = FrameControl(stop_after=STOPPED_AFTER)
    try:
        engine.render(request(options, "stopped"), stopped)
        say("stopped", {"interrupted": False})
    except Interrupted:
        count = len(stopped.frames)
        equal = np.array_equal(stopped.frames, control.frames[:count])
        say("stopped", {"interrupted": True, "framesWritten": count, "framesEqualToUnbroken": equal})


def resume(engine: LiveAvatarEngine, options: argparse.Namespace, say: Say) -> None:
    """Continues from both border states and compares latents and frames of the next clip with the unbroken render's."""
    latents, frames = load_file(options.folder / "latents.safetensors"), np.load(options.folder / "frames.npy")
    for name, clips in (("stopped", STOPPED_AFTER), ("whole", LATE_BORDER)):
        runs = [render_after_border(engine, options, name, clips=clips) for _ in range(2)]
        expected = frames[clips * FRAMES_PER_CLIP : (clips + 1) * FRAMES_PER_CLIP]
        found, shown, seconds, size = runs[0]
        say(
            f"after {clips} clips",
            {
                "stateBytes": size,
                "secondsToRebuildAndRenderAClip": seconds,
                "latentsEqual": torch.equal(found, latents[f"clip-{clips}"]),
                "latentsRelativeError": relative_error(found, latents[f"clip-{clips}"]),
                "framesMeanDifference": round(float(np.abs(shown.astype(int) - expected.astype(int)).mean()), 4),
                "secondResumeEqual": torch.equal(found, runs[1][0]) and np.array_equal(shown, runs[1][1]),
            },
        )


def render_after_border(
    engine: LiveAvatarEngine, options: argparse.Namespace, name: str, *, clips: int
) -> tuple[Tensor, np.ndarray, float, int]:
    """Latents and frames of the one clip after the border, seconds, and bytes of the state."""
    engine._kept = None
    state = options.folder / f"states-{name}" / f"border-{clips * FRAMES_PER_CLIP}.safetensors"
    control, began = FrameControl(), time.monotonic()
    with latents_of_clips(first=clips) as latents:
        engine.render(request(options, "resumed", first_clip=clips, state=state), control)
    return latents[clips], control.frames, round(time.monotonic() - began, 3), state.stat().st_size


def request(options: argparse.Namespace, name: str, *, first_clip: int = 0, state: Path | None = None) -> RenderRequest:
    """For all clips, or for the one after a border."""
    states = options.folder / f"states-{name}"
    states.mkdir(exist_ok=True)
    width, height = options.size
    count = CLIPS if state is None else 1
    made = clips_request(options.folder, CLIPS, width=width, height=height, first_clip=first_clip, count=count)
    return dataclasses.replace(made, state_directory=states, resume_state_path=state)


@contextmanager
def latents_of_clips(first: int = 0):
    """Latents [16, 12, H/8, W/8] on the CPU of every clip rendered inside, by its index, which begins with `first`."""
    found: dict[int, Tensor] = {}
    render_clip = Chain.render_clip

    def recording(chain: Chain, *arguments):
        clip, blocks = first + len(found), []
        for latents in render_clip(chain, *arguments):
            blocks.append(latents)
            if len(blocks) == 4:
                found[clip] = torch.cat(blocks, dim=1).cpu()
            yield latents

    Chain.render_clip = recording
    try:
        yield found
    finally:
        Chain.render_clip = render_clip


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float(f"{(found.double() - expected.double()).norm() / expected.double().norm():.3e}")
