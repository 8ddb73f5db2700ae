"""The worker's side of the protocol, as small as the tests need it."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import subprocess
import threading
import time
from pathlib import Path

from farm_engine.protocol.schema import check_message

ENGINE_ROOT = Path(__file__).parents[2]


def with_engine_on_path() -> dict[str, str]:
    """The environment of a process that imports the engine from here, and the rest from where this one does."""
    search_path = os.pathsep.join(filter(None, [str(ENGINE_ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": search_path}


class EngineProcess:
    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=with_engine_on_path(),
        )
        self._events: queue.Queue = queue.Queue()
        self.errors = ""
        self.seen: list[str] = []
        """Types of the events that `next` has gone through."""
        threading.Thread(target=self._read_events, daemon=True).start()
        self._errors_thread = threading.Thread(target=self._read_errors, daemon=True)
        self._errors_thread.start()

    def send(self, message) -> None:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def next(self, *wanted: str, timeout: float = 10.0) -> dict:
        """The next event of one of these types; everything before it is dropped."""
        deadline = time.monotonic() + timeout
        while True:
            event = self._events.get(timeout=max(deadline - time.monotonic(), 0.001))
            if event is None:
                raise EOFError(f"the engine ended before {wanted}: {self.errors}")
            self.seen.append(event["type"])
            if event["type"] in wanted:
                return event

    def wait(self, timeout: float = 10.0) -> int:
        status = self.process.wait(timeout)
        self._errors_thread.join(timeout)
        return status

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(5)
        finally:
            self.process.kill()

    def _read_events(self) -> None:
        for line in self.process.stdout:
            event = json.loads(line)
            check_message("events", event)
            self._events.put(event)
        self._events.put(None)

    def _read_errors(self) -> None:
        for line in self.process.stderr:
            self.errors += line.decode()


class FifoReader:
    """Reads one FIFO to its end in a thread, as an encoder does; `limit` makes it leave early."""

    def __init__(self, path: Path, limit: int | None = None, delay: float = 0.0) -> None:
        os.mkfifo(path)
        self.path = path
        self._data = bytearray()
        self._limit = limit
        self._delay = delay
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def sha256(self) -> str:
        self._thread.join(20)
        return hashlib.sha256(self._data).hexdigest()

    def bytes(self) -> bytes:
        self._thread.join(20)
        assert not self._thread.is_alive(), "the FIFO was not closed"
        return bytes(self._data)

    def _read(self) -> None:
        time.sleep(self._delay)
        with open(self.path, "rb", buffering=0) as stream:
            while chunk := stream.read(1 << 16):
                self._data += chunk
                if self._limit is not None and len(self._data) >= self._limit:
                    return


def render_command(folder: Path, piece_frames: list[int], *, first_frame: int = 0, **changes) -> dict:
    """A render command whose pieces have these frame counts; FIFOs are `<folder>/piece-<index>`."""
    pieces, start = [], first_frame
    for index, count in enumerate(piece_frames):
        fifo_path = str(folder / f"piece-{index}")
        pieces.append({"index": index, "firstFrame": start, "frameCount": count, "fifoPath": fifo_path})
        start += count
    return {
        "type": "render",
        "renderId": "render-1",
        "portraitPath": "portrait.png",
        "speech": {"path": "speech.wav", "marginBefore": 0, "sampleCount": start * 640},
        "prompt": "",
        "width": 64,
        "height": 64,
        "segmentFrameCount": start,
        "pieces": pieces,
        "seed": 5,
        "settings": {"steps": 4, "precision": "auto", "framesPerClip": 48},
        **changes,
    }
