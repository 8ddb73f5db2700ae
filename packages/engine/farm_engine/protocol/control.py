"""`RenderControl` over the pipes of the engine process: frames go to FIFOs, everything else becomes events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from farm_engine.protocol.errors import EngineError, Interrupted
from farm_engine.protocol.events import EventWriter
from farm_engine.protocol.piece_writer import PieceWriter
from farm_engine.protocol.request import RenderRequest

PROGRESS_INTERVAL_SECONDS = 0.5
InterruptMode = Literal["now", "piece-end"]


class PipedRenderControl:
    """`RenderControl` for one request: routes frames to pieces, and stops the render when asked to.

    `interrupt` and `check` may be called from any thread.
    """

    def __init__(self, request: RenderRequest, events: EventWriter) -> None:
        self._request = request
        self._events = events
        self._frame_bytes = request.width * request.height * 3
        self._frames_done = 0
        self._next_piece = 0
        self._writer: PieceWriter | None = None
        self._save_state: Callable[[], Path | None] = _no_state
        self._piece_began = time.monotonic()
        self._progress_due = 0.0
        self._warned: set[tuple[str, str]] = set()
        self._stop_now = threading.Event()
        self._stop_at_piece_end = threading.Event()

    def interrupt(self, when: InterruptMode) -> None:
        (self._stop_now if when == "now" else self._stop_at_piece_end).set()

    def check(self) -> None:
        between_pieces = self._writer is None
        if self._stop_now.is_set() or (between_pieces and self._stop_at_piece_end.is_set()):
            raise Interrupted

    def warn(self, code: str, message: str) -> None:
        if (code, message) not in self._warned:
            self._warned.add((code, message))
            self._events.send("warning", renderId=self._request.render_id, code=code, message=message)

    def progress(self, phase: str) -> None:
        now = time.monotonic()
        if now < self._progress_due:
            return
        self._progress_due = now + PROGRESS_INTERVAL_SECONDS
        self._events.send(
            "progress",
            renderId=self._request.render_id,
            phase=phase,
            framesDone=self._frames_done,
            frameCount=self._request.frame_count,
        )

    def save_piece_state(self, save: Callable[[], Path | None]) -> None:
        self._save_state = save

    def write_frames(self, frames: np.ndarray) -> None:
        self._check_shape(frames)
        data = memoryview(np.ascontiguousarray(frames)).cast("B")
        while data:
            writer = self._writer or self._open_next_piece(len(data))
            share = data[: writer.remaining_bytes]
            writer.write(share)
            data = data[len(share) :]
            self._frames_done += len(share) // self._frame_bytes
            if writer.remaining_bytes == 0:
                self._finish_piece(writer)
        self.progress("frames")

    def expect_complete(self) -> None:
        """Raise EngineError `too-few-frames` unless every frame asked for has been written."""
        if self._frames_done != self._request.frame_count:
            raise EngineError(
                "too-few-frames",
                f"The engine ended after {self._frames_done} of {self._request.frame_count} frames; this is a bug in "
                "the engine, please report it with its standard error.",
                retriable="another-worker",
                details={"framesDone": self._frames_done, "frameCount": self._request.frame_count},
            )

    def close(self) -> None:
        """Close a FIFO left open, so that its encoder sees the end of the stream."""
        if self._writer:
            self._writer.close()

    def _open_next_piece(self, byte_count: int) -> PieceWriter:
        if self._next_piece == len(self._request.pieces):
            excess = byte_count // self._frame_bytes
            raise EngineError(
                "too-many-frames",
                f"The engine wrote {excess} frame(s) more than the {self._request.frame_count} asked for; this is a "
                "bug of the engine, please report it with its standard error.",
                retriable="another-worker",
            )
        piece = self._request.pieces[self._next_piece]
        self.check()
        # Until the FIFO is open the piece has not begun: an interrupt at the piece's end counts here already.
        self._writer = PieceWriter(piece, piece.frame_count * self._frame_bytes, self.check)
        self._next_piece += 1
        return self._writer

    def _finish_piece(self, writer: PieceWriter) -> None:
        piece, sha256 = writer.piece, writer.finish()
        state_path, now = self._save_state(), time.monotonic()
        state = {} if state_path is None else {"statePath": str(state_path)}
        self._events.send(
            "piece-finished",
            renderId=self._request.render_id,
            index=piece.index,
            firstFrame=piece.first_frame,
            frameCount=piece.frame_count,
            sha256=sha256,
            renderSeconds=round(now - self._piece_began, 6),
            **state,
        )
        self._writer, self._save_state, self._piece_began = None, _no_state, now
        if self._next_piece < len(self._request.pieces):
            self.check()

    def _check_shape(self, frames: np.ndarray) -> None:
        expected = (self._request.height, self._request.width, 3)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != expected:
            raise EngineError(
                "frames-malformed",
                f"The engine wrote {frames.dtype} frames of shape {frames.shape}, expected uint8 [count, "
                f"{', '.join(map(str, expected))}]; this is a bug of the engine.",
                retriable="never",
            )


def _no_state() -> None:
    """What a piece without a border state saves."""
