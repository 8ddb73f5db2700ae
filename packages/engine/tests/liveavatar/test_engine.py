"""Whole renders by the tiny model on a CPU."""

from __future__ import annotations

import dataclasses
import wave

import numpy as np
import pytest
import torch
from recording_control import RecordingControl, forget_chain, render

from farm_engine.liveavatar.encoders.speech import SpeechFeatures
from farm_engine.liveavatar.memory.resident import ResidentMemory
from farm_engine.liveavatar.sampling.sampler import Sampler
from farm_engine.protocol import EngineError


@pytest.mark.parametrize("pieces", [(1,), (12,), (48, 7), (48, 48, 4), (30, 30)])
def test_exactly_the_requested_frames_are_written(engine, request_for, pieces):
    control = render(engine, request_for(*pieces))
    assert control.frames.shape == (sum(pieces), 64, 64, 3)
    assert control.frames.dtype == np.uint8


def test_frames_do_not_depend_on_how_they_are_cut_into_pieces(engine, request_for):
    together = render(engine, request_for(60)).frames
    forget_chain(engine)
    apart = render(engine, request_for(25, 35)).frames
    assert np.array_equal(together, apart)


def test_the_same_request_gives_the_same_frames_and_another_seed_gives_others(engine, request_for):
    first = render(engine, request_for(12)).frames
    assert np.array_equal(first, render(engine, request_for(12)).frames)
    assert not np.array_equal(first, render(engine, request_for(12, seed=12)).frames)


def test_frames_start_from_the_portrait_without_a_gap(engine, request_for):
    """No frame is lost at the start: the first block has its twelve, and the first differs from the last."""
    frames = render(engine, request_for(12)).frames
    assert not np.array_equal(frames[0], frames[11])


def test_the_allocator_gives_back_what_it_keeps_before_rings_are_made(engine, request_for, monkeypatch):
    order: list[str] = []

    def note(owner, attribute: str, word: str) -> None:
        original = getattr(owner, attribute)
        monkeypatch.setattr(owner, attribute, lambda *args, **options: order.append(word) or original(*args, **options))

    note(engine._memory, "release_cached", "release")
    note(engine._conditions, "conditions_of", "encode")
    note(ResidentMemory, "__init__", "rings")
    render(engine, request_for(1))
    assert order == ["release", "encode", "release", "rings"]


def test_the_next_segment_part_continues_from_memory(engine, request_for, monkeypatch):
    whole = render(engine, request_for(48, 48)).frames
    forget_chain(engine)
    first = render(engine, request_for(48)).frames
    monkeypatch.setattr(engine, "_open_chain", None)  # continuing needs no new chain
    second = render(engine, request_for(48, first_frame=48)).frames
    assert np.array_equal(np.concatenate([first, second]), whole)


def test_memory_of_another_video_is_not_continued(engine, request_for):
    render(engine, request_for(48))
    other = render(engine, request_for(12, first_frame=48, seed=99)).frames
    forget_chain(engine)
    assert np.array_equal(other, render(engine, request_for(12, first_frame=48, seed=99)).frames)


def test_a_render_may_begin_within_a_clip(engine, request_for):
    whole = render(engine, request_for(60)).frames
    forget_chain(engine)
    assert np.array_equal(render(engine, request_for(20, first_frame=40)).frames, whole[40:])


def test_the_result_names_plan_and_peak(engine, request_for):
    result = engine.render(request_for(1), RecordingControl())
    assert result.plan == "resident-float32"
    assert result.peak_bytes > 100 << 20


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"frames_per_clip": 24}, "unsupported-setting"),
        ({"precision": "fp8"}, "unsupported-setting"),
    ],
)
def test_settings_that_cannot_be_rendered_are_refused(engine, request_for, changes, code):
    request = request_for(1)
    with pytest.raises(EngineError) as failure:
        render(engine, dataclasses.replace(request, settings=dataclasses.replace(request.settings, **changes)))
    assert (failure.value.code, failure.value.retriable) == (code, "never")


@pytest.mark.parametrize("part, code", [("portrait_path", "bad-portrait"), ("speech", "bad-speech")])
@pytest.mark.parametrize("content", [b"", b"not what it claims to be" * 10])
def test_bad_inputs_are_named(engine, request_for, tmp_path, part, code, content):
    path = tmp_path / "bad"
    path.write_bytes(content)
    request = request_for(1)
    change = path if part == "portrait_path" else dataclasses.replace(request.speech, path=path)
    with pytest.raises(EngineError) as failure:
        render(engine, dataclasses.replace(request, **{part: change}))
    assert (failure.value.code, failure.value.retriable) == (code, "never")
    assert str(path) in failure.value.message


def test_after_running_out_of_memory_the_engine_renders_again(engine, request_for, monkeypatch):
    def no_memory(*arguments, **options):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 10.40 GiB.\nmore lines")

    with monkeypatch.context() as patch:
        patch.setattr(Sampler, "denoise", no_memory)
        with pytest.raises(EngineError) as failure:
            render(engine, request_for(12))
    assert (failure.value.code, failure.value.retriable) == ("out-of-memory", "another-worker")
    assert failure.value.details["plan"] == "resident-float32"
    assert failure.value.details["peakBytes"] > 0
    assert "10.40 GiB" in failure.value.message and "more lines" not in failure.value.message
    assert len(render(engine, request_for(12)).frames) == 12


def test_full_scale_is_1_to_the_speech_model(engine, request_for, inputs, monkeypatch):
    """Its floor for quiet speech is a level; everything else would not notice another scale."""
    heard = []

    def hearing(model, samples, **where):
        heard.append(samples)
        return SpeechFeatures(model, samples, **where)

    monkeypatch.setattr("farm_engine.liveavatar.engine.SpeechFeatures", hearing)
    with wave.open(str(inputs.speech), "rb") as file:
        layout, samples = file.getparams(), np.frombuffer(file.readframes(file.getnframes()), "<i2").copy()
    samples[:2] = -32768, 16384
    with wave.open(str(inputs.speech), "wb") as file:
        file.setparams(layout)
        file.writeframes(samples.tobytes())
    render(engine, request_for(1))
    assert heard[0].dtype == np.float32
    assert heard[0][:2].tolist() == [-1.0, 0.5]
