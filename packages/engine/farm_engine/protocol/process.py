"""The engine's process: streams, signals, the loop over renders."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback

from farm_engine.protocol.commands import CommandReader
from farm_engine.protocol.control import PipedRenderControl
from farm_engine.protocol.engine import Engine, RenderResult
from farm_engine.protocol.errors import EngineError, Interrupted
from farm_engine.protocol.events import AliveSignal, EventWriter
from farm_engine.protocol.host_memory import OutOfHostMemoryError, out_of_host_memory
from farm_engine.protocol.request import RenderRequest
from farm_engine.protocol.schema import check_message, protocol_document


def run_engine(engine: Engine) -> int:
    """Serve `engine` on the standard streams until it has to stop; returns the exit status."""
    events = EventWriter(_take_standard_output())
    reader = CommandReader(sys.stdin.fileno(), events)
    alive = AliveSignal(events)
    events.send(
        "hello",
        protocolVersion=protocol_document()["protocolVersion"],
        engine=engine.name,
        engineVersion=engine.version,
        pid=os.getpid(),
    )
    _stop_on_sigterm(reader)
    reader.start()
    alive.start()
    try:
        description = dict(engine.load(lambda phase, fraction: events.send("loading", phase=phase, fraction=fraction)))
        check_message("events", {"type": "ready", "description": description})
    except Exception as error:
        events.send_failure(None, _as_engine_error(error, "load its model"))
        return 1
    reader.loading = False
    events.send("ready", description=description)
    while job := reader.jobs.get():
        request, control = job
        alive.render_id = request.render_id
        outcome = _render(engine, request, control)
        alive.render_id = None
        # Before the last event: once the worker has read that, it may use the id again.
        reader.forget(request)
        if isinstance(outcome, EngineError):
            events.send_failure(request.render_id, outcome)
            if outcome.fatal:
                events.send_failure(None, outcome)
                return 1
        else:
            events.send(**outcome)
    return 0


def _render(engine: Engine, request: RenderRequest, control: PipedRenderControl) -> dict[str, object] | EngineError:
    """Run one render; returns its last event, or why it failed."""
    began = time.monotonic()
    try:
        control.check()
        result = engine.render(request, control)
        control.expect_complete()
        event = _finished_event(request, result, time.monotonic() - began)
        check_message("events", event)
        return event
    except Interrupted:
        return {"type": "interrupted", "renderId": request.render_id}
    except Exception as error:
        return _as_engine_error(error, f"render {request.frame_count} frames")
    finally:
        control.close()


def _finished_event(request: RenderRequest, result: RenderResult, seconds: float) -> dict[str, object]:
    optional = {
        "plan": result.plan,
        "predictedPeakBytes": result.predicted_peak_bytes,
        "predictedFramesPerSecond": result.predicted_frames_per_second,
    }
    return {
        "type": "finished",
        "renderId": request.render_id,
        "renderSeconds": round(seconds, 6),
        "peakBytes": result.peak_bytes,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _as_engine_error(error: Exception, attempt: str) -> EngineError:
    if isinstance(error, EngineError):
        return error
    traceback.print_exception(error, file=sys.stderr)
    if out_of_host_memory(error):
        return OutOfHostMemoryError(error, attempt)
    return EngineError(
        "engine-crashed",
        f"The engine tried to {attempt} and failed unexpectedly: {type(error).__name__}: {error}. The traceback is "
        "in its standard error.",
        retriable="another-worker",
        details={"exception": type(error).__name__},
    )


def _take_standard_output() -> int:
    """Keep descriptor 1 for events and point it at standard error, so that what libraries print cannot mix in."""
    sys.stdout.flush()
    events_descriptor = os.dup(1)
    os.dup2(2, 1)
    return events_descriptor


def _stop_on_sigterm(reader: CommandReader) -> None:
    """SIGTERM interrupts the render and ends the process; SIGINT is left to the worker (a terminal sends it to the
    whole process group). The signal arrives through a pipe, because Python runs handlers only between two bytecodes of
    the main thread, which may be inside a long kernel."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)

    def wait() -> None:
        while os.read(wakeup_read, 1)[0] != signal.SIGTERM:
            pass
        reader.stop()

    threading.Thread(target=wait, name="sigterm", daemon=True).start()
