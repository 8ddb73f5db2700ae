"""Border states that cannot be saved, or must not be continued from."""

from __future__ import annotations

import dataclasses
import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from recording_control import RecordingControl, forget_chain, render

from farm_engine.liveavatar.memory.host_copy import HostCopy
from farm_engine.liveavatar.serving.chain import Chain
from farm_engine.liveavatar.serving.saved_state import SavedState


@contextmanager
def files_limited_to(byte_count: int):
    """Writing beyond that fails half-way, as on a disk that fills up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (byte_count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def rendered_without_state(engine, request) -> RecordingControl:
    control = render(engine, request)
    assert len(control.frames) == request.frame_count
    assert control.states == []
    assert str(request.state_directory) in control.warnings["state-not-saved"]
    return control


def test_a_disk_that_fills_up_costs_the_state_and_nothing_else(engine, request_for, tmp_path):
    states = tmp_path / "states"
    states.mkdir()
    with files_limited_to(10_000):
        rendered_without_state(engine, request_for(48, 12, state_directory=states))
    assert list(states.iterdir()) == []


def no_space(self: Path, data: bytes) -> int:
    self.touch()
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_memory(self: Path, data: bytes) -> int:
    self.touch()
    raise MemoryError


@pytest.mark.parametrize("failing", [no_space, no_memory])
def test_what_was_begun_is_removed_and_the_render_continues(engine, request_for, tmp_path, monkeypatch, failing):
    states = tmp_path / "states"
    states.mkdir()
    monkeypatch.setattr(Path, "write_bytes", failing)
    rendered_without_state(engine, request_for(48, 1, state_directory=states))
    assert list(states.iterdir()) == []


@pytest.mark.parametrize("folder", ["missing", "file", "occupied", "no permission"])
def test_a_folder_that_takes_no_state_does_not_end_the_render(engine, request_for, tmp_path, monkeypatch, folder):
    states = tmp_path / "states"
    if folder == "file":
        states.write_bytes(b"")
    elif folder == "occupied":
        (states / "border-48.safetensors" / "full").mkdir(parents=True)
    elif folder == "no permission":
        states.mkdir()
        refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(refused))
    rendered_without_state(engine, request_for(48, state_directory=states))
    assert not list(tmp_path.rglob("*.part"))


def test_the_frames_are_written_before_the_state(engine, request_for, tmp_path, monkeypatch):
    write, control, written = SavedState.write, RecordingControl(), []

    def noting(self, path):
        written.append(len(control.frames))
        write(self, path)

    monkeypatch.setattr(SavedState, "write", noting)
    render(engine, request_for(48, 42, 6, state_directory=tmp_path), control)
    assert written == [48, 96]
    assert [path.name for path in control.states] == ["border-48.safetensors", "border-96.safetensors"]


def test_the_rendering_continues_from_where_a_state_was_left_out(engine, request_for, tmp_path):
    whole = render(engine, request_for(48, 12)).frames
    forget_chain(engine)
    control = rendered_without_state(engine, request_for(48, 12, state_directory=tmp_path / "missing"))
    assert (control.frames == whole).all()


@pytest.mark.parametrize("part", ["past", "history", "audio", "text", "anchor"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_state_that_is_not_finite_is_not_continued(engine, request_for, tmp_path, part, value):
    render(engine, request_for(48, state_directory=tmp_path))
    forget_chain(engine)
    path = tmp_path / "border-48.safetensors"
    saved = SavedState.read(path)
    border, past = saved.border, saved.past.read()
    clip = border.history[-1]
    if part == "past":
        saved = dataclasses.replace(saved, past=HostCopy(planted(past, value)))
    elif part in ("text", "anchor"):
        changed = {part: planted(getattr(border.conditions, part), value)}
        conditions = dataclasses.replace(border.conditions, **changed)
        saved = dataclasses.replace(saved, border=dataclasses.replace(border, conditions=conditions))
    else:
        changed = {"audio": planted(clip.audio, value)} if part == "audio" else {"inputs": planted(clip.inputs, value)}
        history = (*border.history[:-1], dataclasses.replace(clip, **changed))
        saved = dataclasses.replace(saved, border=dataclasses.replace(border, history=history))
    saved.write(path)
    control = render(engine, request_for(12, first_frame=48, resume_state_path=path))
    assert "NaN or infinity" in control.warnings["border-state-unused"]


def planted(tensor: torch.Tensor, value: float) -> torch.Tensor:
    changed = tensor.clone()
    changed.view(-1)[-1] = value
    return changed


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")])
def test_a_state_that_memory_does_not_hold_costs_nothing_else(engine, request_for, tmp_path, monkeypatch, error):
    def failing(self):
        raise error

    monkeypatch.setattr(Chain, "state", failing)
    rendered_without_state(engine, request_for(48, 12, state_directory=tmp_path))
    assert list(tmp_path.glob("border-*")) == []


@pytest.mark.parametrize("what", ["fifo", "directory", "missing"])
def test_a_state_that_is_no_file_is_not_waited_for(engine, request_for, tmp_path, what):
    path = tmp_path / "border-48.safetensors"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    control = render(engine, request_for(12, first_frame=48, resume_state_path=path))
    assert str(path) in control.warnings["border-state-unused"]
    assert len(control.frames) == 12
