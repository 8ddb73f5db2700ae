"""What an engine has to offer, and what it may call while it renders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from farm_engine.protocol.request import RenderRequest

ReportLoading = Callable[[str, float], None]
"""`report(phase, fraction)`: progress of loading, fraction in 0..1."""


@dataclass(frozen=True, kw_only=True)
class RenderResult:
    """What a finished render cost, and what was predicted for it."""

    peak_bytes: int
    """Peak memory of the process: on the device where there is one, else resident."""
    plan: str | None = None
    predicted_peak_bytes: int | None = None
    predicted_frames_per_second: float | None = None


class RenderControl(Protocol):
    """What an engine calls while it renders. `check` may be called from any thread, the rest from one at a time."""

    def check(self) -> None:
        """Raise `Interrupted` if this render has to stop here; call it at least once per block (draft: per second)."""

    def write_frames(self, frames: np.ndarray) -> None:
        """Write the next frames, uint8 `[count, height, width, 3]` RGB, in order, any number at a time.

        They go into the FIFO of the piece they belong to; a complete piece is reported immediately. Blocks while
        the encoder is slower than the engine. Raises `Interrupted`, or `EngineError` with `encoder-gone`,
        `too-many-frames` or `frames-malformed`.
        """

    def save_piece_state(self, save: Callable[[], Path | None]) -> None:
        """Have the border state after the current piece saved; call it before the piece's last frame is written.

        `save` is called when that frame is in the FIFO and the FIFO is closed, before the piece is reported; it returns
        the state's path, or None where it could not be saved.
        """

    def warn(self, code: str, message: str) -> None:
        """Report something assumed or degraded, for the user. Repeats within one render are dropped."""

    def progress(self, phase: str) -> None:
        """Report what the render is doing. More than two reports per second are dropped."""


class Engine(Protocol):
    """One render engine. The process around it is `run_engine`."""

    name: str
    version: str

    def load(self, report: ReportLoading) -> Mapping[str, str | int | float | bool]:
        """Make the model resident, once. Returns facts for the worker's record: device, precisions, weights.

        Raises EngineError; the process then exits.
        """

    def render(self, request: RenderRequest, control: RenderControl) -> RenderResult:
        """Write exactly the frames of `request.pieces` through `control`.

        Lets `Interrupted` pass; raises EngineError for a failure with a code.
        """
