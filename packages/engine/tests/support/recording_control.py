from __future__ import annotations

from pathlib import Path

import numpy as np


class RecordingControl:
    """A `RenderControl` that keeps frames in memory. `on_frames` is called with the number of frames written."""

    def __init__(self, on_frames=lambda count: None) -> None:
        self.parts: list[np.ndarray] = []
        self.states: list[Path] = []
        self.warnings: dict[str, str] = {}
        self.checks = 0
        self.stop: Exception | None = None
        self._on_frames = on_frames
        self._save_state = lambda: None

    @property
    def frames(self) -> np.ndarray:
        return np.concatenate(self.parts)

    def check(self) -> None:
        self.checks += 1
        if self.stop is not None:
            raise self.stop

    def write_frames(self, frames: np.ndarray) -> None:
        self.check()
        self.parts.append(frames)
        self._on_frames(sum(len(part) for part in self.parts))
        save, self._save_state = self._save_state, lambda: None
        if path := save():
            self.states.append(path)

    def save_piece_state(self, save) -> None:
        self._save_state = save

    def warn(self, code: str, message: str) -> None:
        self.warnings[code] = message

    def progress(self, phase: str) -> None:
        pass


def render(engine, request, control=None) -> RecordingControl:
    control = control or RecordingControl()
    engine.render(request, control)
    return control


def forget_chain(engine) -> None:
    engine._kept = None
