"""An engine for the tests of the process around it: the prompt of the render command says what it does."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from farm_engine.protocol import EngineError, RenderResult, run_engine


def frame(request, index: int) -> np.ndarray:
    """Frame `index` of the segment: every byte identifies the frame."""
    return np.full((request.height, request.width, 3), (index * 7 + request.seed) % 256, np.uint8)


def saved_after_the_fifo_was_read(request) -> Path:
    """A state's path, once the test says that the piece's FIFO has ended."""
    while not request.state_directory.exists():
        time.sleep(0.01)
    return request.state_directory / "border"


class ScriptedEngine:
    name = "scripted"
    version = "1.2.3"

    def load(self, report):
        report("weights", 0.5)
        print("a library that prints to standard output")
        if "load-fails" in sys.argv:
            raise EngineError("weights-missing", "No weights here.", retriable="another-worker")
        if "load-hangs" in sys.argv:
            time.sleep(60)
        return {"device": "cpu", "threads": 1}

    def render(self, request, control):
        script = request.prompt
        if script == "crash":
            raise RuntimeError("boom")
        if script == "fatal":
            raise EngineError("device-lost", "The device is gone.", retriable="another-worker", fatal=True)
        if script == "host-memory":
            raise MemoryError
        if script == "surrogate":
            raise EngineError("bad-file", f"No file {request.portrait_path} or \udcff.", retriable="never")
        if script == "busy":  # in one long call that never checks for an interrupt
            time.sleep(60)
        indices = range(request.first_frame, request.first_frame + request.frame_count)
        frames = np.stack([frame(request, index) for index in indices])
        if script == "too-few":
            frames = frames[:-1]
        elif script == "too-many":
            frames = np.concatenate([frames, frames[-1:]])
        elif script == "float":
            frames = frames.astype(np.float32)
        elif script == "warn":
            control.warn("face-not-found", "No face.")
            control.warn("face-not-found", "No face.")
        elif script == "state":
            control.save_piece_state(lambda: saved_after_the_fifo_was_read(request))
        elif script == "no-state":
            control.save_piece_state(lambda: None)
        block = 1 if script == "slow" else 7 if script == "blocks" else len(frames)
        for start in range(0, len(frames), block):
            control.check()
            control.write_frames(frames[start : start + block])
            if script == "slow":
                time.sleep(0.05)
        return RenderResult(
            peak_bytes=1.5 if script == "bad-result" else 123, plan="resident", predicted_peak_bytes=120
        )


if __name__ == "__main__":
    sys.exit(run_engine(ScriptedEngine()))
