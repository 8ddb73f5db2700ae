"""Reading commands from standard input, in a thread that keeps working while a render hangs."""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from farm_engine.protocol.control import InterruptMode, PipedRenderControl
from farm_engine.protocol.errors import EngineError
from farm_engine.protocol.events import EventWriter
from farm_engine.protocol.lines import parse_line, read_lines
from farm_engine.protocol.request import RenderRequest, render_request
from farm_engine.protocol.schema import check_message

SHOWN_CHARACTERS = 200


class CommandReader:
    """Turns command lines into renders to run and interrupts to apply.

    `jobs` yields `(request, control)` in order of arrival, then None when the engine has to stop.
    """

    def __init__(self, descriptor: int, events: EventWriter) -> None:
        self.jobs: queue.SimpleQueue[tuple[RenderRequest, PipedRenderControl] | None] = queue.SimpleQueue()
        self._descriptor = descriptor
        self._events = events
        self._controls: dict[str, PipedRenderControl] = {}
        self._stopping = False
        self.loading = True
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "render": self._accept_render,
            "interrupt": lambda command: self._interrupt(command["renderId"], command["when"]),
            "shutdown": lambda _: self.stop(),
        }

    def start(self) -> None:
        threading.Thread(target=self._run, name="commands", daemon=True).start()

    def stop(self) -> None:
        """Interrupt running and waiting renders, then let the main loop end. While loading, exit immediately."""
        if self.loading:
            os._exit(0)
        self._stopping = True
        for render_id in list(self._controls):
            self._interrupt(render_id, "now")
        self.jobs.put(None)

    def forget(self, request: RenderRequest) -> None:
        """Drop the control of a render that has ended."""
        self._controls.pop(request.render_id, None)

    def _run(self) -> None:
        status = 0
        try:
            for line in read_lines(self._descriptor):
                if line.strip():
                    self._handle(line)
            print("farm_engine: standard input closed, ending", file=sys.stderr, flush=True)
        except OSError:
            pass  # a killed worker closes all three pipes: there is no one to report to
        except Exception:
            traceback.print_exc()
            status = 1
        finally:
            # An orphan must not keep a GPU, nor continue without reading commands: the worker that asked for the
            # render is gone.
            os._exit(status)

    def _handle(self, line: bytes) -> None:
        command: Any = None
        try:
            parsed = parse_line(line)
            command = parsed.value
            parsed.check()
            check_message("commands", command)
            self._handlers[command["type"]](command)
        except (ValueError, RecursionError) as error:
            self._events.send_failure(self._refused_render_id(command), _bad_command(line, error))

    def _accept_render(self, command: dict[str, Any]) -> None:
        request = render_request(command)
        if request.render_id in self._controls:
            raise ValueError(f"a render with renderId '{request.render_id}' is running or waiting")
        control = PipedRenderControl(request, self._events)
        self._controls[request.render_id] = control
        if self._stopping:
            control.interrupt("now")
        self.jobs.put((request, control))

    def _interrupt(self, render_id: str, when: InterruptMode) -> None:
        # An unknown id belongs to a render that has just ended; its last event is already on its way.
        if control := self._controls.get(render_id):
            control.interrupt(when)

    def _refused_render_id(self, command: Any) -> str | None:
        """The refused command's renderId, if it is valid in an event. Not that of a render which is running or
        waiting: `failed` would end it for the worker, while it continues here."""
        render_id = command.get("renderId") if isinstance(command, dict) else None
        try:
            check_message("events", {"type": "interrupted", "renderId": render_id})
        except ValueError:
            return None
        return None if render_id in self._controls else render_id


def _bad_command(line: bytes, error: Exception) -> EngineError:
    shown = line[:SHOWN_CHARACTERS].decode(errors="replace").strip()
    return EngineError(
        "bad-command",
        f"This command was not understood: {str(error)[: 2 * SHOWN_CHARACTERS]}. The engine continues; the line began "
        f"with: {shown}",
        retriable="never",
    )
