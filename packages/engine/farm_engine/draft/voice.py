"""From speech to mouth shapes: a few curves, one value per frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 16_000
FRAME_SAMPLES = 640
"""25 frames per second."""
HOP = 160
WINDOW = 400
BANDS = ((80, 350), (350, 1100), (1100, 1600), (1600, 3800), (3800, 7600))
"""Hz: voicing, open vowels, the middle, front vowels, hisses."""
SILENCE_BELOW_LEVEL_DB = 32.0
"""A moment this far below the loud parts of the segment counts as silence."""
LOUD_PERCENTILE = 93
LEAST_LEVEL_DB = 28.0
"""Loud parts below this (of 16-bit samples' power) are noise, not speech: about -62 dB of full scale."""
BACKGROUND_REACH = 300
"""Hops, 3 s, before a moment, and as many after it, whose quiet ones show the steady background."""
BACKGROUND_STEP = 10
BACKGROUND_PERCENTILE = 10
STEADY_BELOW_DB = 4.5
SPOKEN_ABOVE_DB = 7.5
"""Speech varies and noise is steady: how far a moment has to stand out from its background to open the mouth."""
AMPLITUDE_EXPONENT = 0.7
LEAST_LOUD_HOPS = 20
LEAST_BALANCE_RANGE = 0.5
STEPS = 4096
"""Curves are rounded to this fraction, so that the last bits of a logarithm cannot show in a frame."""


@dataclass(frozen=True, kw_only=True)
class VoiceCurves:
    """float64 `[frames]` each."""

    opening: np.ndarray
    """How far the jaw is open, 0..1; exactly 0 in silence."""
    width: np.ndarray
    """Lips: -1 pursed as for "oo", 0 neutral, +1 spread as for "ee"."""
    hiss: np.ndarray
    """0..1: teeth nearly closed, as for "s" and "f"."""
    emphasis: np.ndarray
    """Slow loudness, 0..1, for head and brows."""


def voice_curves(samples: np.ndarray, *, margin_before: int, frame_count: int) -> VoiceCurves:
    """Curves for a segment's frames from int16 samples at 16 kHz, of which the first `margin_before` come before it."""
    hops_per_frame = FRAME_SAMPLES // HOP
    first_sample = margin_before + HOP // 2 - WINDOW // 2
    margin_hops = hops_per_frame * 12
    count = frame_count * hops_per_frame + 2 * margin_hops
    first_hop = first_sample - margin_hops * HOP
    power = _band_power(samples, first_hop, count)
    shapes = _mouth_shapes(power, _heard_hops(len(samples), first_hop, count))
    inner = slice(margin_hops, margin_hops + frame_count * hops_per_frame)

    def per_frame(curve: np.ndarray) -> np.ndarray:
        # The middle two of a frame's four hops: what is heard while the frame is on screen.
        return np.round(curve[inner].reshape(frame_count, hops_per_frame)[:, 1:3].mean(axis=1) * STEPS) / STEPS

    return VoiceCurves(**{name: per_frame(curve) for name, curve in shapes.items()})


def _band_power(samples: np.ndarray, first: int, count: int) -> np.ndarray:
    """Mean power in each band for `count` windows a hop apart, the first at sample `first`: `[count, bands]`. What
    is outside the samples is silence."""
    needed = np.zeros((count - 1) * HOP + WINDOW)
    low, high = max(first, 0), min(first + len(needed), len(samples))
    if high > low:
        needed[low - first : high - first] = samples[low:high]
    windows = np.lib.stride_tricks.sliding_window_view(needed, WINDOW)[::HOP]
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(WINDOW), n=512, axis=1)) ** 2 / (WINDOW * 0.375 * 256)
    frequencies = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    return np.stack(
        [spectrum[:, (frequencies >= low) & (frequencies < high)].sum(axis=1) for low, high in BANDS], axis=1
    )


def _heard_hops(sample_count: int, first: int, count: int) -> slice:
    """Of `count` windows a hop apart, the first at sample `first`, those that are within the samples."""
    begin = min(max(-(first // HOP), 0), count)
    return slice(begin, max(min((sample_count - WINDOW - first) // HOP + 1, count), begin))


def _mouth_shapes(power: np.ndarray, heard: slice) -> dict[str, np.ndarray]:
    smooth = _smoothed(power, 3)
    total = smooth.sum(axis=1)
    decibels = 10 * np.log10(total + 1)
    spoken = _spoken(power, heard)
    # Of what is spoken: long pauses must not make the rest loud.
    speech = decibels[spoken > 0.5]
    loud = np.percentile(speech, LOUD_PERCENTILE) if len(speech) >= LEAST_LOUD_HOPS else np.percentile(decibels, 95)
    level = max(float(loud), LEAST_LEVEL_DB)
    floor = float(np.percentile(decibels, 5))
    # Under noise the floor rises; a moment has to stand out from it as well.
    threshold = min(max(level - SILENCE_BELOW_LEVEL_DB, floor + 6.0), level - 8.0)
    loudness = np.clip((decibels - threshold) / (level - threshold), 0, 1) * spoken
    amplitude = 10 ** (np.minimum(decibels - level, 3.0) / 20)
    share = smooth / (total[:, None] + 1)
    voicing, open_vowel, middle, _, hissing = share.T
    hiss = np.clip((hissing - 0.25) / 0.4, 0, 1)
    vowel = np.clip(0.45 + 0.9 * open_vowel + 0.5 * middle - 0.25 * voicing, 0.3, 1.15)
    # Jaws follow amplitude more closely than decibels: syllables stay apart, and the loudest open widest.
    opening = amplitude**AMPLITUDE_EXPONENT * np.clip(loudness * 6, 0, 1)
    opening = np.clip(opening * (0.2 + 0.8 * vowel) * (1 - 0.65 * hiss), 0, 1)
    spread = _spread(smooth, loudness)
    width = np.clip(spread * (1 - hiss) + 0.5 * hiss, -1, 1) * np.clip(loudness * 2, 0, 1)
    return {
        "opening": _smoothed(opening, 7),
        "width": _smoothed(width, 11),
        "hiss": _smoothed(hiss * np.clip(loudness * 2, 0, 1), 5),
        "emphasis": _smoothed(loudness, 61),
    }


def _spoken(power: np.ndarray, heard: slice) -> np.ndarray:
    """0 where the sound is as steady as a fan, at whatever level, 1 where it stands out from that, as speech does."""
    slow = _smoothed(power[heard], 15) + 1
    spoken = np.zeros(len(power))
    if len(slow):
        # Every band counts the same, whatever the noise's colour: together they are steadier than the loudest alone.
        standing_out = 10 * np.log10((slow / _background(slow)).mean(axis=1))
        spoken[heard] = np.clip((standing_out - STEADY_BELOW_DB) / (SPOKEN_ABOVE_DB - STEADY_BELOW_DB), 0, 1)
    return spoken


def _background(power: np.ndarray) -> np.ndarray:
    """The steady part of each band's power around each hop: `[hops, bands]`.

    It is that of the time before or of the time after, whichever has more, so that a fan is known from its first moment
    to its last. Near the ends, where less than that is known, it is that of the first or the last seconds.
    """
    hops = np.arange(len(power))
    centres = hops[::BACKGROUND_STEP]
    last_start = max(len(power) - BACKGROUND_REACH, 0)

    def quiet_parts(starts: np.ndarray) -> np.ndarray:
        parts = (power[start : start + BACKGROUND_REACH] for start in np.clip(starts, 0, last_start))
        return np.stack([np.percentile(part, BACKGROUND_PERCENTILE, axis=0) for part in parts])

    quiet = np.maximum(quiet_parts(centres - BACKGROUND_REACH), quiet_parts(centres))
    return np.stack([np.interp(hops, centres, band) for band in quiet.T], axis=1)


def _spread(power: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """-1 for the darkest vowels of this voice ("oo"), +1 for its brightest ("ee"): the second formant, roughly, as the
    balance of high and low bands, against what is usual in this recording, whatever its microphone."""
    voicing, open_vowel, _, front, _ = power.T
    balance = np.log10((front + 1) / (open_vowel + 0.3 * voicing + 1))
    loud = balance[loudness > 0.4]
    if len(loud) < LEAST_LOUD_HOPS:
        return np.zeros(len(balance))
    dark, usual, bright = np.percentile(loud, (15, 50, 85))
    return np.clip((balance - usual) / max(bright - dark, LEAST_BALANCE_RANGE), -1, 1)


def _smoothed(curve: np.ndarray, length: int) -> np.ndarray:
    """A centred Hann average over `length` hops, along the first axis."""
    weights = np.hanning(length + 2)[1:-1]
    weights = weights / weights.sum()
    padded = np.pad(curve, [(length // 2, length // 2)] + [(0, 0)] * (curve.ndim - 1))
    return sum(weight * padded[index : index + len(curve)] for index, weight in enumerate(weights))
