"""Writing protocol lines, from any thread."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

from farm_engine.protocol.errors import EngineError
from farm_engine.protocol.schema import check_message

ALIVE_INTERVAL_SECONDS = 2.0


class EventWriter:
    """Sends events to one descriptor, each as one complete line. Callers leave out optional fields that have no value;
    every event is checked against the schema, so that an engine's mistake shows where it was made."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, type: str, **fields: Any) -> None:
        event = {"type": type, **fields}
        check_message("events", event)
        # A message may quote a file name that is not UTF-8: Python keeps its bytes as lone surrogates.
        text = json.dumps(event, ensure_ascii=False, allow_nan=False)
        line = memoryview(text.encode(errors="replace") + b"\n")
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]

    def send_failure(self, render_id: str | None, error: EngineError) -> None:
        self.send(
            "failed",
            renderId=render_id,
            code=error.code,
            message=error.message,
            retriable=error.retriable,
            details=error.details,
        )


class AliveSignal:
    """A thread that reports every two seconds that the process has not hung, and which render is running."""

    def __init__(self, events: EventWriter) -> None:
        self.render_id: str | None = None
        self._events = events

    def start(self) -> None:
        threading.Thread(target=self._run, name="alive", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(ALIVE_INTERVAL_SECONDS)
            try:
                self._events.send("alive", renderId=self.render_id)
            except OSError:
                return  # no one reads any more; standard input closes, and that ends the process
