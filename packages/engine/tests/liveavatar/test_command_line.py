"""The engine in a process of its own, as the worker runs it."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from engine_process import EngineProcess, FifoReader, render_command

TIMEOUT = 120.0


@pytest.fixture
def process():
    engine = EngineProcess(sys.executable, "-m", "farm_engine", "liveavatar", "--tiny", "--device", "cpu")
    yield engine
    engine.close()


def command(inputs, render_id: str, piece_frames: list[int], **changes) -> dict:
    folder = inputs.folder / render_id
    speech = {"path": str(inputs.speech), "marginBefore": 0, "sampleCount": 60 * 640}
    command = render_command(folder, piece_frames, portraitPath=str(inputs.portrait), speech=speech)
    return {**command, "renderId": render_id, "segmentFrameCount": 60, "prompt": "a person speaks", **changes}


def readers(inputs, render_id: str, count: int) -> list[FifoReader]:
    (inputs.folder / render_id).mkdir()
    return [FifoReader(inputs.folder / render_id / f"piece-{index}") for index in range(count)]


def test_one_process_loads_once_and_renders_many_jobs(process, inputs):
    assert process.next("hello")["engine"] == "liveavatar"
    # Sent before PyTorch is imported, which takes seconds.
    assert process.next("loading", timeout=TIMEOUT)["phase"] == "libraries"
    loading = process.next("loading", timeout=TIMEOUT)
    assert loading["phase"] == "transformer"
    description = process.next("ready", timeout=TIMEOUT)["description"]
    assert (description["device"], description["randomWeights"]) == ("cpu", True)
    shown = []
    for render_id in ("first", "second"):
        pieces = readers(inputs, render_id, 2)
        process.send(command(inputs, render_id, [48, 5]))
        assert process.next("warning", timeout=TIMEOUT)["renderId"] == render_id
        finished = [process.next("piece-finished", timeout=TIMEOUT) for _ in pieces]
        assert [event["frameCount"] for event in finished] == [48, 5]
        assert [event["sha256"] for event in finished] == [piece.sha256 for piece in pieces]
        assert [len(piece.bytes()) for piece in pieces] == [48 * 64 * 64 * 3, 5 * 64 * 64 * 3]
        end = process.next("loading", "finished", timeout=TIMEOUT)
        assert (end["type"], end["plan"]) == ("finished", "resident-float32")
        shown.append(pieces[0].bytes())
    assert shown[0] == shown[1]
    assert np.frombuffer(shown[0], np.uint8).std() > 5


def test_an_interrupt_is_obeyed_within_a_block(process, inputs):
    process.next("ready", timeout=TIMEOUT)
    [piece] = readers(inputs, "first", 1)
    process.send(command(inputs, "first", [480], segmentFrameCount=480))
    while process.next("progress", timeout=TIMEOUT)["phase"] != "frames":
        pass
    process.send({"type": "interrupt", "renderId": "first", "when": "now"})
    assert process.next("interrupted", "finished", timeout=TIMEOUT)["type"] == "interrupted"
    # Some blocks pass while the event comes and the command goes; a quarter of forty do not.
    assert len(piece.bytes()) < 480 * 64 * 64 * 3 / 4


def test_a_bad_portrait_is_reported_and_the_process_continues(process, inputs):
    process.next("ready", timeout=TIMEOUT)
    process.send(command(inputs, "first", [5], portraitPath=str(inputs.speech)))
    failed = process.next("failed", timeout=TIMEOUT)
    assert (failed["code"], failed["retriable"]) == ("bad-portrait", "never")
    readers(inputs, "second", 1)
    process.send(command(inputs, "second", [5]))
    assert process.next("finished", timeout=TIMEOUT)["renderId"] == "second"
