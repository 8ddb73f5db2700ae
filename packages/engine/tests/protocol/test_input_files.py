"""Files of a command: those that are none, which an engine could wait for for ever, and those it cannot read."""

from __future__ import annotations

import errno
import os
import resource
import wave
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


@pytest.mark.parametrize("code", READERS)
@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOMEM])
def test_what_this_machine_cannot_read_may_be_read_by_another(tmp_path, monkeypatch, code, number):
    path = tmp_path / "input"
    path.touch()

    def failing(self):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(EngineError) as failure:
        READERS[code](path)
    expected = "out-of-host-memory" if number == errno.ENOMEM else "input-unreadable"
    assert (failure.value.code, failure.value.retriable) == (expected, "another-worker")
    assert str(path) in failure.value.message


@pytest.mark.parametrize("code", READERS)
def test_too_many_open_files_are_not_the_inputs_fault(tmp_path, code):
    path = tmp_path / "input"
    path.touch()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(EngineError) as failure:
            READERS[code](path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (failure.value.code, failure.value.retriable) == ("input-unreadable", "another-worker")


def wav_with(chunks: bytes) -> bytes:
    header = b"fmt " + (16).to_bytes(4, "little") + b"\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"
    return b"RIFF" + (4 + len(header) + len(chunks)).to_bytes(4, "little") + b"WAVE" + header + chunks


@pytest.mark.parametrize(
    "data",
    [
        wav_with(b"data" + (9).to_bytes(4, "little") + b"\0" * 9),
        wav_with(b"data" + (10).to_bytes(4, "little") + b"\0" * 7),
        wav_with(b"LIST" + (0x7FFFFFFF).to_bytes(4, "little") + b"INFO"),
        wav_with(b"LIST" + (0xFFFFFFFF).to_bytes(4, "little") + b"INFO" + b"data"),
        wav_with(b""),
        b"RIFF",
        b"",
    ],
)
def test_a_damaged_wav_file_is_bad_speech(tmp_path, data):
    path = tmp_path / "speech.wav"
    path.write_bytes(data)
    with pytest.raises(EngineError) as failure:
        read_speech(Speech(path=path, margin_before=0, sample_count=5))
    assert (failure.value.code, failure.value.retriable) == ("bad-speech", "never")


def test_the_header_above_is_that_of_speech(tmp_path):
    path = tmp_path / "speech.wav"
    path.write_bytes(wav_with(b"data" + (10).to_bytes(4, "little") + bytes(range(10))))
    with wave.open(str(path)) as file:
        assert file.getnframes() == 5
    assert len(read_speech(Speech(path=path, margin_before=0, sample_count=5))) == 5
