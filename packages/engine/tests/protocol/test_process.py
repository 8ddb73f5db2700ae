"""The engine process with a scripted engine: what a worker may rely on, whichever engine runs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_process import FifoReader, render_command, with_engine_on_path

HERE = Path(__file__).parent


def expected_bytes(first_frame: int, count: int) -> bytes:
    return b"".join(bytes([(index * 7 + 5) % 256]) * (64 * 64 * 3) for index in range(first_frame, first_frame + count))


def test_says_hello_loads_and_is_ready_with_prints_kept_off_the_line(start):
    engine = start(ready=False)
    hello = engine.next("hello")
    assert hello["protocolVersion"] == 2
    assert (hello["engine"], hello["engineVersion"], hello["pid"]) == ("scripted", "1.2.3", engine.process.pid)
    assert engine.next("loading") == {"type": "loading", "phase": "weights", "fraction": 0.5}
    assert engine.next("ready")["description"] == {"device": "cpu", "threads": 1}
    engine.send({"type": "shutdown"})
    assert engine.wait() == 0
    assert "a library that prints" in engine.errors


@pytest.mark.parametrize("script", ["whole", "blocks"])
def test_frames_go_to_their_pieces_with_hash_and_count(start, tmp_path, script):
    engine = start()
    readers = [FifoReader(tmp_path / f"piece-{index}", delay=0.2 * index) for index in range(3)]
    engine.send(render_command(tmp_path, [12, 5, 3], prompt=script))
    first_frames = [0, 12, 17]
    for index, count in enumerate([12, 5, 3]):
        event = engine.next("piece-finished")
        assert (event["index"], event["firstFrame"], event["frameCount"]) == (index, first_frames[index], count)
        assert readers[index].bytes() == expected_bytes(first_frames[index], count)
        assert event["sha256"] == readers[index].sha256
    finished = engine.next("finished")
    assert (finished["peakBytes"], finished["plan"], finished["predictedPeakBytes"]) == (123, "resident", 120)


def test_a_state_is_saved_after_the_frames_and_named_with_the_piece(start, tmp_path):
    engine = start()
    readers = [FifoReader(tmp_path / f"piece-{index}") for index in range(2)]
    states = tmp_path / "states"
    engine.send(render_command(tmp_path, [4, 4], prompt="state", stateDirectory=str(states)))
    assert readers[0].bytes() == expected_bytes(0, 4)  # the FIFO has ended
    states.mkdir()
    assert engine.next("piece-finished")["statePath"] == str(states / "border")
    assert "statePath" not in engine.next("piece-finished")


def test_a_state_that_could_not_be_saved_is_not_named(start, tmp_path):
    engine = start()
    FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [4], prompt="no-state"))
    assert "statePath" not in engine.next("piece-finished")


def test_a_resumed_render_starts_after_the_committed_pieces(start, tmp_path):
    engine = start()
    reader = FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [6], first_frame=18))
    assert engine.next("piece-finished")["firstFrame"] == 18
    assert reader.bytes() == expected_bytes(18, 6)


def test_interrupt_now_stops_within_the_piece_and_the_engine_continues(start, tmp_path):
    engine = start()
    reader = FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [200], prompt="slow"))
    engine.next("progress")
    engine.send({"type": "interrupt", "renderId": "render-1", "when": "now"})
    assert engine.next("interrupted", timeout=1.0)["renderId"] == "render-1"
    assert len(reader.bytes()) < 200 * 64 * 64 * 3
    (tmp_path / "again").mkdir()
    again = FifoReader(tmp_path / "again" / "piece-0")
    engine.send(render_command(tmp_path / "again", [4]))
    assert engine.next("piece-finished")["sha256"] == again.sha256


def test_interrupt_at_the_pieces_end_finishes_the_piece(start, tmp_path):
    engine = start()
    readers = [FifoReader(tmp_path / f"piece-{index}") for index in range(2)]
    engine.send(render_command(tmp_path, [12, 12], prompt="slow"))
    engine.next("progress")
    engine.send({"type": "interrupt", "renderId": "render-1", "when": "piece-end"})
    assert engine.next("piece-finished", "interrupted")["sha256"] == readers[0].sha256
    assert engine.next("piece-finished", "interrupted")["type"] == "interrupted"


def test_interrupt_reaches_a_render_whose_encoder_is_stalled_or_absent(start, tmp_path):
    engine = start()
    engine.send(render_command(tmp_path, [4]))  # its FIFO does not exist yet, then has no reader
    assert engine.next("failed")["code"] == "encoder-gone"
    FifoReader(tmp_path / "piece-0", delay=30.0)
    engine.send(render_command(tmp_path, [4]))
    time.sleep(0.3)
    engine.send({"type": "interrupt", "renderId": "render-1", "when": "now"})
    assert engine.next("interrupted", timeout=1.0)


def test_an_encoder_that_dies_is_named(start, tmp_path):
    engine = start()
    FifoReader(tmp_path / "piece-0", limit=70_000)
    engine.send(render_command(tmp_path, [200]))
    failed = engine.next("failed")
    assert (failed["code"], failed["retriable"], failed["renderId"]) == ("encoder-gone", "this-worker", "render-1")
    assert failed["details"] == {"pieceIndex": 0}


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("too-few", "too-few-frames"),
        ("too-many", "too-many-frames"),
        ("float", "frames-malformed"),
        ("crash", "engine-crashed"),
    ],
)
def test_a_failed_render_is_named_and_the_engine_continues(start, tmp_path, script, code):
    engine = start()
    FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [3], prompt=script))
    assert engine.next("failed", "finished")["code"] == code
    (tmp_path / "again").mkdir()
    FifoReader(tmp_path / "again" / "piece-0")
    engine.send(render_command(tmp_path / "again", [3], renderId="render-2"))
    assert engine.next("failed", "finished") == {
        "type": "finished",
        "renderId": "render-2",
        "renderSeconds": pytest.approx(0, abs=5),
        "peakBytes": 123,
        "plan": "resident",
        "predictedPeakBytes": 120,
    }


@pytest.mark.parametrize(
    ("line", "render_id", "part"),
    [
        (b"not json", None, "Expecting value"),
        (b"[" * 100_000, None, "recursion"),
        (b'{"type": "dance"}', None, "unknown type 'dance'"),
        (b'{"type": "shutdown", "now": true}', None, "now"),
        (b'{"type": "interrupt", "renderId": "render-9", "when": "later"}', "render-9", "when"),
    ],
)
def test_a_bad_command_is_reported_and_survived(start, tmp_path, line, render_id, part):
    engine = start()
    engine.send(line)
    failed = engine.next("failed")
    assert (failed["code"], failed["renderId"]) == ("bad-command", render_id)
    assert part in failed["message"]
    FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [1]))
    engine.next("finished")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"width": 100}, "width"),
        ({"colour": "red"}, "colour"),
        ({"segmentFrameCount": 3}, "segment has 3 frames"),
        ({"pieces": []}, "pieces"),
    ],
)
def test_a_render_that_cannot_be_is_refused_by_its_field(start, tmp_path, changes, part):
    engine = start()
    engine.send(render_command(tmp_path, [4, 4], **changes))
    failed = engine.next("failed")
    assert (failed["code"], failed["renderId"]) == ("bad-command", "render-1")
    assert part in failed["message"]


def test_pieces_with_a_gap_are_refused(start, tmp_path):
    command = render_command(tmp_path, [4, 4], segmentFrameCount=20)
    command["pieces"][1]["firstFrame"] = 6
    engine = start()
    engine.send(command)
    assert "the previous piece ends at 4" in engine.next("failed")["message"]


def test_warnings_come_once(start, tmp_path):
    engine = start()
    FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [1], prompt="warn"))
    assert engine.next("warning", "piece-finished")["code"] == "face-not-found"
    assert engine.next("warning", "piece-finished")["type"] == "piece-finished"


def test_the_closed_standard_input_ends_a_busy_engine_within_a_second(start, tmp_path):
    engine = start()
    engine.send(render_command(tmp_path, [1], prompt="busy"))
    assert engine.next("alive", timeout=4.0)["renderId"] == "render-1"
    engine.process.stdin.close()
    assert engine.wait(1.0) == 0


def test_a_busy_engine_ends_when_all_its_pipes_break_together(tmp_path):
    """As they do when its worker is killed: what it would say about it has no reader either."""
    command = [sys.executable, str(HERE / "scripted_engine.py")]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=with_engine_on_path(),
    ) as process:
        while b'"ready"' not in process.stdout.readline():
            pass
        process.stdin.write(json.dumps(render_command(tmp_path, [1], prompt="busy")).encode() + b"\n")
        process.stdin.flush()
        while b'"alive"' not in process.stdout.readline():
            pass
        process.stdout.close()
        process.stderr.close()
        process.stdin.close()
        try:
            assert process.wait(5) == 0
        finally:
            process.kill()


def test_sigterm_interrupts_and_ends_and_sigint_does_nothing(start, tmp_path):
    engine = start()
    FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [400], prompt="slow"))
    engine.next("progress")
    engine.process.send_signal(signal.SIGINT)
    engine.next("progress")
    engine.process.send_signal(signal.SIGTERM)
    assert engine.next("interrupted", timeout=1.0)
    assert engine.wait(1.0) == 0


def test_sigterm_ends_a_model_that_is_loading(start):
    engine = start("load-hangs", ready=False)
    engine.next("loading")
    engine.process.send_signal(signal.SIGTERM)
    assert engine.wait(1.0) == 0


def test_a_load_that_fails_ends_the_engine(start):
    engine = start("load-fails", ready=False)
    failed = engine.next("failed")
    assert (failed["code"], failed["renderId"]) == ("weights-missing", None)
    assert engine.wait() == 1


def test_a_fatal_error_ends_the_engine_after_both_events(start, tmp_path):
    engine = start()
    engine.send(render_command(tmp_path, [1], prompt="fatal"))
    assert engine.next("failed")["renderId"] == "render-1"
    assert engine.next("failed")["renderId"] is None
    assert engine.wait() == 1
