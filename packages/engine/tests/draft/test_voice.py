"""Mouth shapes from speech: synthetic vowels, hisses and silences, whose spectra are known."""

from __future__ import annotations

import numpy as np
import pytest

from farm_engine.draft.voice import SAMPLE_RATE, voice_curves

SECOND = SAMPLE_RATE


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
    assert curves(faint).opening.max() < 0.3


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
