"""Commands that must not be carried out: each gets the protocol's error, and the engine continues."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from engine_process import EngineProcess, FifoReader, render_command

from farm_engine.protocol import lines


@pytest.fixture(scope="module")
def shared_engine():
    engine = EngineProcess(sys.executable, str(Path(__file__).parent / "scripted_engine.py"))
    engine.next("ready")
    yield engine
    engine.close()


@pytest.fixture
def shared(shared_engine):
    """One engine for all tests of this file that leave it as it was."""
    shared_engine.seen.clear()
    assert shared_engine.process.poll() is None
    return shared_engine


def renders(engine, folder) -> None:
    """The engine still renders."""
    folder.mkdir()
    reader = FifoReader(folder / "piece-0")
    engine.send(render_command(folder, [1], renderId="still"))
    ended = engine.next("failed", "finished")
    assert (ended["type"], ended["renderId"]) == ("finished", "still")
    assert len(reader.bytes()) == 64 * 64 * 3


def replaced(command: dict, place: str, literal: str) -> bytes:
    """The command's line with `literal` as the value at `place`, a key or `outer.key`, `pieces` meaning the first."""
    marker = "@@here@@"
    *outer, key = place.split(".")
    target = command
    for name in outer:
        target = target[name][0] if isinstance(target[name], list) else target[name]
    target[key] = marker
    return json.dumps(command).encode().replace(f'"{marker}"'.encode(), literal.encode("utf-8", "surrogatepass"))


INTEGERS = ["width", "segmentFrameCount", "seed", "speech.marginBefore", "pieces.frameCount", "settings.steps"]
BEYOND_PYTHON = "1" * 5000
NO_INTEGERS = ["64.0", "6.4e1", "true", "NaN", "-Infinity", "1e400", "1" * 30, BEYOND_PYTHON, "null", "[]"]
PATHS = ["portraitPath", "speech.path", "pieces.fifoPath", "stateDirectory", "resumeStatePath"]


@pytest.mark.parametrize("place", INTEGERS)
@pytest.mark.parametrize("literal", NO_INTEGERS)
def test_an_integer_must_be_written_as_one(shared, tmp_path, place, literal):
    shared.send(replaced(render_command(tmp_path, [4]), place, literal))
    failed = shared.next("failed", "finished")
    assert failed["code"] == "bad-command"
    known = literal != BEYOND_PYTHON  # nothing of such a line is read
    assert failed["renderId"] == ("render-1" if known else None)
    assert not known or place.split(".")[-1] in failed["message"]


@pytest.mark.parametrize("place", ["prompt", *PATHS])
@pytest.mark.parametrize(
    ("literal", "said"),
    [
        ('"a\\ud800b"', "surrogate"),
        ('"\\udfff"', "surrogate"),
        ('"a\\u0000b"', "NUL"),
        ("7", "string"),
    ],
)
def test_text_that_is_none_is_refused_by_its_field(shared, tmp_path, place, literal, said):
    shared.send(replaced(render_command(tmp_path, [4]), place, literal))
    failed = shared.next("failed", "finished")
    assert (failed["code"], failed["renderId"]) == ("bad-command", "render-1")
    assert said in failed["message"] and place.split(".")[-1] in failed["message"]


def test_a_surrogate_pair_is_a_character(shared, tmp_path):
    FifoReader(tmp_path / "piece-0")
    shared.send(replaced(render_command(tmp_path, [1]), "prompt", '"\\ud83d\\ude00"'))
    assert shared.next("failed", "finished")["type"] == "finished"


@pytest.mark.parametrize("place", PATHS)
def test_an_empty_path_is_refused(shared, tmp_path, place):
    shared.send(replaced(render_command(tmp_path, [1]), place, '""'))
    failed = shared.next("failed", "finished")
    assert failed["code"] == "bad-command" and place.split(".")[-1] in failed["message"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"type": "shutdown", "type": "shutdown"}', "the key 'type' stands twice"),
        (b'{"type": "interrupt", "renderId": "a", "when": "now", "when": "piece-end"}', "the key 'when' stands twice"),
        (b'{"type": "\xff"}', "can't decode byte 0xff"),
        (b'{"type": "\xed\xa0\x80"}', "can't decode byte 0xed"),
        ('{"type": "shutdown"}'.encode("utf-16-le"), "Expecting"),
        (b'\xef\xbb\xbf{"type": "shutdown"}', "BOM"),
        (b'{"type": "\\ud800"}', "surrogate"),
        (b'{"type": "shutdown", "\\ud800": 1}', "must not contain"),
        (b'{"type": "shutdown", "' + b"k" * 5000 + b'": 1}', "must not contain"),
        (b'{"type": 7}', '"type"'),
        (b"null", '"type"'),
        (b"[" * 100_000, "recursion"),
        (b'{"a":' * 100_000, "recursion"),
        (b'{"type": "shutdown", "a": ' + b"[" * 900 + b"]" * 900 + b"}", ""),
        (b'{"type": "shutdown"} {"type": "shutdown"}', "Extra data"),
    ],
)
def test_a_line_that_is_no_command_is_reported(shared, tmp_path, line, said):
    shared.send(line)
    failed = shared.next("failed")
    assert failed["code"] == "bad-command" and said in failed["message"]
    assert len(failed["message"]) < 1000
    renders(shared, tmp_path / "after")


def test_keys_that_stand_twice_in_a_render_are_reported_to_that_render(shared, tmp_path):
    line = json.dumps(render_command(tmp_path, [1])).encode().replace(b'"width": 64', b'"width": 64, "width": 128')
    shared.send(line)
    failed = shared.next("failed", "finished")
    assert (failed["code"], failed["renderId"]) == ("bad-command", "render-1")


def test_empty_lines_are_ignored(shared, tmp_path):
    shared.send(b"")
    shared.send(b"  \t\r")
    renders(shared, tmp_path / "after")
    assert "failed" not in shared.seen


def test_a_line_without_end_is_reported_once_and_not_kept(start, tmp_path):
    engine = start()
    part = b"x" * (1 << 20)
    for _ in range(20):
        engine.process.stdin.write(part)
    engine.send(b"")
    assert "longer than" in engine.next("failed")["message"]
    renders(engine, tmp_path / "after")
    assert engine.seen.count("failed") == 1


def test_what_a_line_has_beyond_its_limit_is_dropped(monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 10)
    read_end, write_end = os.pipe()
    os.write(write_end, b"a" * 50 + b"\nshort\n" + b"b" * 11 + b"\n" + b"c" * 10 + b"\nnot ended")
    os.close(write_end)
    assert [len(line) for line in lines.read_lines(read_end)][:2] == [11, 5]
    os.close(read_end)


def test_a_second_render_with_the_id_of_a_running_one_does_not_end_the_first(start, tmp_path):
    engine = start()
    reader = FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [20], prompt="slow"))
    engine.next("progress")
    (tmp_path / "second").mkdir()
    engine.send(render_command(tmp_path / "second", [1]))
    failed = engine.next("failed", "finished")
    assert (failed["code"], failed["renderId"]) == ("bad-command", None)
    assert "render-1" in failed["message"]
    assert engine.next("failed", "finished")["type"] == "finished"
    assert len(reader.bytes()) == 20 * 64 * 64 * 3
    assert not (tmp_path / "second" / "piece-0").exists()


@pytest.mark.parametrize(
    "line",
    [
        b'{"type": "interrupt", "renderId": "render-1", "when": "later"}',
        b'{"type": "render", "renderId": "render-1", "width": 64.0}',
    ],
)
def test_a_bad_command_about_a_running_render_does_not_end_it(start, tmp_path, line):
    engine = start()
    FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [20], prompt="slow"))
    engine.next("progress")
    engine.send(line)
    assert engine.next("failed", "finished")["renderId"] is None
    assert engine.next("failed", "finished")["type"] == "finished"


def test_an_id_may_be_used_again_once_its_render_has_ended(start, tmp_path):
    engine = start()
    for attempt in ("first", "second"):
        (tmp_path / attempt).mkdir()
        FifoReader(tmp_path / attempt / "piece-0")
        engine.send(render_command(tmp_path / attempt, [1]))
        assert engine.next("failed", "finished")["type"] == "finished"


@pytest.mark.parametrize("field", ["index", "fifoPath"])
def test_two_pieces_cannot_share_what_must_be_their_own(shared, tmp_path, field):
    command = render_command(tmp_path, [4, 4])
    command["pieces"][1][field] = command["pieces"][0][field]
    shared.send(command)
    failed = shared.next("failed", "finished")
    assert failed["code"] == "bad-command" and f"same {field}" in failed["message"]


@pytest.mark.parametrize("what", ["file", "directory", "missing", "device", "socket", "link to a file"])
def test_frames_go_only_into_a_fifo(shared, tmp_path, what):
    path = tmp_path / "piece-0"
    if what == "file":
        path.write_bytes(b"kept")
    elif what == "directory":
        path.mkdir()
    elif what == "device":
        path.symlink_to("/dev/null")
    elif what == "socket":
        os.mknod(path, 0o140600)
    elif what == "link to a file":
        (tmp_path / "target").write_bytes(b"kept")
        path.symlink_to(tmp_path / "target")
    shared.send(render_command(tmp_path, [1]))
    failed = shared.next("failed", "finished", timeout=5)
    assert (failed["code"], failed["renderId"], failed["retriable"]) == ("encoder-gone", "render-1", "this-worker")
    assert failed["details"] == {"pieceIndex": 0}
    assert "No such file" in failed["message"] if what == "missing" else "not a FIFO" in failed["message"]
    assert not path.is_file() or path.read_bytes() == b"kept"
    renders(shared, tmp_path / "after")


@pytest.mark.parametrize(
    ("script", "code"),
    [("host-memory", "out-of-host-memory"), ("surrogate", "bad-file"), ("bad-result", "engine-crashed")],
)
def test_what_a_render_raises_or_returns_never_ends_the_process(shared, tmp_path, script, code):
    FifoReader(tmp_path / "piece-0")
    shared.send(render_command(tmp_path, [1], prompt=script))
    failed = shared.next("failed", "finished")
    assert (failed["code"], failed["renderId"]) == (code, "render-1")
    renders(shared, tmp_path / "after")
