"""Mouth shapes from speech: synthetic vowels, hisses and silences, whose spectra are known, and the sample's speech."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from farm_engine.draft.voice import SAMPLE_RATE, voice_curves

SECOND = SAMPLE_RATE
SAMPLE_SPEECH = Path(__file__).parents[4] / "samples" / "speech.wav"


def vowel(seconds: float, formants: tuple[float, ...], pitch: float = 120.0) -> np.ndarray:
    """Harmonics of `pitch`, strong near the formants (Hz), weaker where the voice falls off."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros(len(time))
    for harmonic in np.arange(pitch, 4000, pitch):
        strength = sum(1 / (1 + ((harmonic - formant) / 90) ** 2) for formant in formants) * 200 / harmonic
        sound += strength * np.sin(2 * np.pi * harmonic * time)
    return 9000 * sound / np.abs(sound).max()


def hiss(seconds: float) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal(round(seconds * SAMPLE_RATE))
    return 3000 * np.diff(noise, prepend=0.0)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * SAMPLE_RATE))


def curves(*parts: np.ndarray, margin: int = 0):
    samples = np.concatenate(parts).astype(np.int16)
    return voice_curves(samples, margin_before=margin, frame_count=(len(samples) - 2 * margin) // 640)


def steady_sound(kind: str, seconds: float, level: float) -> np.ndarray:
    """Noise of `level` (RMS) whose loudness does not change, or hardly."""
    count = round(seconds * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    spectrum = np.fft.rfft(np.random.default_rng(4).standard_normal(count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 30)
    slopes = {"white": 0.0, "hiss": 1.0, "pink": -0.5, "rumble": -1.0, "fan": -1.0, "wobbling fan": 0.0, "hum": 0.0}
    sound = np.fft.irfft(spectrum * frequencies ** slopes[kind], count)
    sound = sound / sound.std()
    if kind == "fan":
        sound += 0.7 * np.sin(2 * np.pi * 117 * time) + 0.3 * np.sin(2 * np.pi * 234 * time)
    elif kind == "wobbling fan":
        sound *= 1 + 0.2 * np.sin(2 * np.pi * 1.3 * time)
    elif kind == "hum":
        sound = 0.05 * sound + sum(np.sin(2 * np.pi * 50 * harmonic * time) / harmonic for harmonic in range(2, 8))
    return level * sound / sound.std()


STEADY = ("white", "hiss", "pink", "rumble", "fan", "wobbling fan", "hum")


def words(seconds: float) -> np.ndarray:
    """Syllables of three vowels with gaps between them and a longer pause after every fourth; RMS 3000."""
    gaps = [silence(0.1)] * 3 + [silence(0.6)]
    parts = [
        part
        for index in range(int(seconds / 0.4))
        for part in (vowel(0.2, (AH, EE, OO)[index % 3]) * np.hanning(3200), gaps[index % 4])
    ]
    sound = np.concatenate(parts)[: round(seconds * SAMPLE_RATE)]
    return 3000 * sound / sound.std()


def sample_speech() -> np.ndarray:
    """RMS 3000."""
    with wave.open(str(SAMPLE_SPEECH)) as file:
        rate, sound = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)
    sound = np.interp(np.arange(0, len(sound), rate / SAMPLE_RATE), np.arange(len(sound)), sound)
    return 3000 * sound / sound.std()


AH, EE, OO = (750, 1200), (300, 2300, 3000), (300, 700)


def test_vowels_have_different_shapes():
    shape = curves(*(part for formants in (AH, EE, OO) for part in (silence(0.4), vowel(0.4, formants))), silence(0.4))
    ah, ee, oo = ((shape.opening[frame], shape.width[frame]) for frame in (14, 34, 54))
    assert ah[0] > 1.3 * ee[0]
    assert ah[0] > 1.15 * oo[0]
    assert ee[1] > 0.3 > -0.3 > oo[1]


def test_a_hiss_closes_the_teeth():
    shape = curves(silence(0.4), vowel(0.4, AH), hiss(0.4), silence(0.4))
    assert shape.hiss[24] > 0.8
    assert shape.opening[24] < 0.4 * shape.opening[14]
    assert shape.hiss[14] < 0.1


@pytest.mark.parametrize("noise", [0, 20])
def test_the_mouth_is_closed_within_80_ms_of_silence(noise):
    quiet = np.random.default_rng(2).normal(0, noise, SECOND) if noise else silence(1.0)
    shape = curves(quiet, vowel(1.0, AH), quiet)
    last_spoken = 2 * 25 - 1
    assert shape.opening[last_spoken - 3] > 0.5
    assert (shape.opening[last_spoken + 2 :] < 0.02).all()
    assert (shape.opening[:23] < 0.02).all()


def test_silence_and_faint_noise_leave_the_mouth_closed():
    assert (curves(silence(1.0)).opening == 0).all()
    faint = np.random.default_rng(3).normal(0, 3, SECOND)
    assert (curves(faint).opening == 0).all()


@pytest.mark.parametrize("kind", STEADY)
@pytest.mark.parametrize("level", [3, 300, 6000])
@pytest.mark.parametrize("seconds", [1, 12])
def test_steady_noise_leaves_the_mouth_and_the_head_alone(kind, level, seconds):
    shape = curves(steady_sound(kind, seconds, level))
    assert (shape.opening == 0).all()
    assert (shape.width == 0).all()
    assert (shape.emphasis == 0).all()


@pytest.mark.parametrize("kind", STEADY)
def test_a_fan_that_starts_and_stops_leaves_the_mouth_closed(kind):
    shape = curves(silence(4.0), steady_sound(kind, 8.0, 1000), silence(4.0))
    assert (shape.opening == 0).all()


@pytest.mark.parametrize("level_dbfs", [-20, -40, -55, -62])
def test_speech_opens_the_mouth_at_any_level(level_dbfs):
    sound = words(8.0)
    loud, quiet = curves(sound), curves(sound * 32768 * 10 ** (level_dbfs / 20) / sound.std())
    assert loud.opening.max() > 0.8
    np.testing.assert_allclose(quiet.opening, loud.opening, atol=0.12)


@pytest.mark.parametrize("kind", STEADY)
@pytest.mark.parametrize("below_speech_db", [20, 10, 5])
def test_speech_over_noise_opens_the_mouth_and_its_pauses_close_it(kind, below_speech_db):
    sound = words(8.0)
    clean, noisy = curves(sound), curves(sound + steady_sound(kind, 8.0, 3000 * 10 ** (-below_speech_db / 20)))
    spoken, pauses = clean.opening > 0.3, clean.emphasis < 0.02
    assert spoken.sum() > 50
    assert noisy.opening[spoken].mean() > 0.75 * clean.opening[spoken].mean()
    assert pauses.sum() > 5
    assert noisy.opening[pauses].max() < 0.05


@pytest.mark.parametrize("kind", STEADY)
def test_real_speech_moves_the_mouth_over_noise_as_it_does_alone(kind):
    sound = sample_speech() / 2
    clean, noisy = curves(sound), curves(sound + steady_sound(kind, len(sound) / SECOND, sound.std() * 10 ** (-5 / 20)))
    assert clean.opening.mean() > 0.25
    assert noisy.opening.mean() > 0.8 * clean.opening.mean()
    assert np.corrcoef(noisy.opening, clean.opening)[0, 1] > 0.93
    assert noisy.opening[clean.opening < 0.02].mean() < 0.03


def test_loud_and_quiet_recordings_of_the_same_words_look_alike():
    sound = np.concatenate([silence(0.3), vowel(0.5, AH), silence(0.3), vowel(0.4, EE), silence(0.3)])
    loud, quiet = curves(sound), curves(sound * 0.05)
    np.testing.assert_allclose(quiet.opening, loud.opening, atol=0.06)


def test_the_margin_only_lends_context():
    sound = np.concatenate([vowel(0.5, AH), silence(0.3), vowel(0.7, EE), silence(0.5)])
    margin = 1600
    inner = curves(sound, margin=margin)
    assert len(inner.opening) == (len(sound) - 2 * margin) // 640
    whole = curves(sound)
    # The segment begins 100 ms into the sound: its frame f shows what the whole's frame f + 2.5 shows.
    middle = (whole.opening[2:-3] + whole.opening[3:-2]) / 2
    assert np.abs(inner.opening[: len(middle)] - middle[: len(inner.opening)]).mean() < 0.06


def test_pauses_do_not_make_the_rest_loud():
    alone = curves(sample_speech())
    paused = curves(silence(60), sample_speech(), silence(60))
    said = paused.opening[1500 : 1500 + len(alone.opening)]
    np.testing.assert_allclose(said.mean(), alone.opening.mean(), rtol=0.1)
    assert np.corrcoef(said, alone.opening)[0, 1] > 0.99
