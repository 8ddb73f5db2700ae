"""Paths in a command that are no files: an engine that opened them could wait for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from farm_engine.portrait.framing import read_portrait
from farm_engine.protocol import EngineError, Speech
from farm_engine.protocol.speech import read_speech

READERS = {
    "bad-speech": lambda path: read_speech(Speech(path=path, margin_before=0, sample_count=1)),
    "bad-portrait": read_portrait,
}


@pytest.mark.parametrize("code", READERS)
@pytest.mark.parametrize("what", ["fifo", "directory", "device", "missing", "long name"])
def test_a_path_that_is_no_file_is_named_immediately(tmp_path, code, what):
    path = tmp_path / "input"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    elif what == "device":
        path = Path("/dev/zero")
    elif what == "long name":
        path = tmp_path / ("x" * 5000)
    with pytest.raises(EngineError) as failure:
        READERS[code](path)
    assert (failure.value.code, failure.value.retriable) == (code, "never")
    assert str(path) in failure.value.message
