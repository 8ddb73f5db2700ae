"""The draft engine in its own process, through the protocol."""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import cv2
import numpy as np
import pytest
from engine_process import EngineProcess, FifoReader, render_command

WIDTH, HEIGHT, FRAMES = 128, 64, 30
SAMPLE_PORTRAIT = Path(__file__).parents[4] / "samples" / "portrait.jpg"


@pytest.fixture(scope="module")
def engine():
    process = EngineProcess(sys.executable, "-m", "farm_engine", "draft")
    process.next("ready")
    yield process
    process.close()


@pytest.fixture
def inputs(tmp_path):
    """A portrait without a face, and half a second of hum between two silences with a margin around."""
    chance = np.random.default_rng(3)
    picture = cv2.resize(chance.integers(0, 255, (9, 7, 3), np.uint8), (210, 270), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "portrait.png"), picture)
    margin = 1000
    samples = np.zeros(FRAMES * 640 + 2 * margin, np.int16)
    time = np.arange(8000) / 16_000
    samples[6000:14000] = 9000 * np.sin(2 * np.pi * 180 * time) * np.sin(2 * np.pi * 6 * time)
    write_wav(tmp_path / "speech.wav", samples)
    return {
        "portraitPath": str(tmp_path / "portrait.png"),
        "speech": {"path": str(tmp_path / "speech.wav"), "marginBefore": margin, "sampleCount": FRAMES * 640},
        "width": WIDTH,
        "height": HEIGHT,
        "segmentFrameCount": FRAMES,
    }


def write_wav(path, samples, rate=16_000):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, len(samples), "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


def render(engine, folder, pieces, **changes) -> np.ndarray:
    folder.mkdir()
    readers = [FifoReader(folder / f"piece-{index}") for index in range(len(pieces))]
    engine.send(render_command(folder, pieces, **changes))
    outcome = engine.next("finished", "failed")
    assert outcome["type"] == "finished", outcome
    frames = np.frombuffer(b"".join(reader.bytes() for reader in readers), np.uint8)
    return frames.reshape(-1, HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("portrait", ["without a face", "sample"])
def test_frames_are_the_same_however_the_render_is_cut(engine, inputs, tmp_path, portrait):
    if portrait == "sample":
        inputs = {**inputs, "portraitPath": str(SAMPLE_PORTRAIT)}
    whole = render(engine, tmp_path / "whole", [FRAMES], **inputs)
    cut = render(engine, tmp_path / "cut", [7, 12, 11], **inputs)
    resumed = render(engine, tmp_path / "resumed", [11], first_frame=19, **inputs)
    assert len(whole) == FRAMES
    np.testing.assert_array_equal(cut, whole)
    np.testing.assert_array_equal(resumed, whole[19:])


def test_frames_depend_on_the_seed_and_on_the_speech(engine, inputs, tmp_path):
    whole = render(engine, tmp_path / "whole", [FRAMES], **inputs)
    other_seed = render(engine, tmp_path / "seed", [FRAMES], **{**inputs, "seed": 6})
    write_wav(tmp_path / "speech.wav", np.zeros(FRAMES * 640 + 2000, np.int16))
    silent = render(engine, tmp_path / "silent", [FRAMES], **inputs)
    assert (whole != other_seed).any()
    assert (whole != silent).any()


def test_a_segment_begins_and_ends_at_rest(engine, inputs, tmp_path):
    frames = render(engine, tmp_path / "whole", [FRAMES], **inputs)
    other_seed = render(engine, tmp_path / "seed", [FRAMES], **{**inputs, "seed": 77})
    np.testing.assert_array_equal(frames[0], frames[-1])
    np.testing.assert_array_equal(frames[0], other_seed[0])


def test_a_portrait_without_a_face_is_warned_about(engine, inputs, tmp_path):
    FifoReader(tmp_path / "piece-0")
    engine.send(render_command(tmp_path, [1], **inputs))
    warning = engine.next("warning", "finished")
    assert warning["code"] == "face-not-found"
    assert "assumes" in warning["message"]
    engine.next("finished")


def test_unreadable_inputs_are_named(engine, inputs, tmp_path):
    (tmp_path / "portrait.png").write_bytes(b"no picture")
    engine.send(render_command(tmp_path, [1], **inputs))
    failed = engine.next("failed", "finished")
    assert (failed["code"], failed["retriable"]) == ("bad-portrait", "never")
    assert "portrait.png" in failed["message"]


@pytest.mark.parametrize(
    ("samples", "rate", "part"),
    [(FRAMES * 640 + 2000, 44_100, "44100 Hz"), (700, 16_000, "700 samples"), (None, None, "could not be read")],
)
def test_speech_that_does_not_fit_is_named(engine, inputs, tmp_path, samples, rate, part):
    if samples is None:
        (tmp_path / "speech.wav").write_bytes(b"RIFFxx")
    else:
        write_wav(tmp_path / "speech.wav", np.zeros(samples, np.int16), rate)
    engine.send(render_command(tmp_path, [1], **inputs))
    failed = engine.next("failed", "finished")
    assert failed["code"] == "bad-speech"
    assert part in failed["message"]


def test_frames_do_not_depend_on_the_processors_vector_units(inputs, tmp_path, monkeypatch):
    """NumPy without its AVX kernels stands in for an older processor; OpenCV's are never used."""
    wide = _render_alone(tmp_path / "wide", inputs)
    features = [name for name, has in np._core._multiarray_umath.__cpu_features__.items() if has]
    dispatched = set(np._core._multiarray_umath.__cpu_dispatch__)
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", " ".join(name for name in features if name in dispatched))
    narrow = _render_alone(tmp_path / "narrow", inputs)
    np.testing.assert_array_equal(narrow, wide)


def _render_alone(folder, inputs) -> np.ndarray:
    process = EngineProcess(sys.executable, "-m", "farm_engine", "draft")
    try:
        return render(process, folder, [FRAMES], **{**inputs, "portraitPath": str(SAMPLE_PORTRAIT)})
    finally:
        process.close()
