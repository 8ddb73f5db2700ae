"""How the head, the shoulders and the eyelids move: curves for a whole segment, one value per frame."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

FRAMES_PER_SECOND = 25
EASE_SECONDS = 0.8
"""A segment starts and ends at rest, so that any two join."""
BLINK_FRAMES = (0.45, 1.0, 1.0, 0.7, 0.35)
"""How far the lids are closed in each frame of a blink: 200 ms, closing faster than opening."""
BLINK_INTERVAL_SECONDS = (2.2, 5.5)
"""People blink 10 to 25 times a minute while they speak."""
STEPS = 4096


@dataclass(frozen=True, kw_only=True)
class Motion:
    """float64 `[frames]` each, all 0 in the first and the last frame."""

    sway: np.ndarray
    """Head to the side, -1..1."""
    bob: np.ndarray
    """Head up and down, -1..1, down is positive."""
    tilt: np.ndarray
    """Head's roll, -1..1."""
    turn: np.ndarray
    """Nose to the side, -1..1."""
    nod: np.ndarray
    """Nose down, -1..1."""
    breath: np.ndarray
    """Shoulders up, 0..1."""
    brows: np.ndarray
    """Brows up, 0..1."""
    blink: np.ndarray
    """Lids closed, 0..1."""


def segment_motion(emphasis: np.ndarray, *, seed: int) -> Motion:
    """Motion for a segment with this loudness curve. Depends on nothing else except the seed."""
    frame_count = len(emphasis)
    chance = random.Random(seed)
    seconds = np.arange(frame_count) / FRAMES_PER_SECOND
    ease = _ease(frame_count)
    # Loud words carry the head down and the brows up, quiet ones let them back.
    accent = emphasis - emphasis.mean()
    breath = 0.5 - 0.5 * np.cos(2 * np.pi * seconds / chance.uniform(3.4, 4.4))
    curves = {
        "sway": _drift(seconds, chance, slowest=6.5),
        "bob": 0.5 * _drift(seconds, chance, slowest=4.0) + 0.9 * accent,
        "tilt": _drift(seconds, chance, slowest=7.5),
        "turn": _drift(seconds, chance, slowest=5.0),
        "nod": 0.6 * _drift(seconds, chance, slowest=3.6) + 1.0 * accent,
        "breath": breath,
        "brows": np.clip(1.6 * accent + 0.25 * _drift(seconds, chance, slowest=5.5), 0, 1),
    }
    eased = {name: np.round(curve * ease * STEPS) / STEPS for name, curve in curves.items()}
    return Motion(**eased, blink=_blinks(frame_count, chance))


def _drift(seconds: np.ndarray, chance: random.Random, *, slowest: float) -> np.ndarray:
    """A slow wandering in -1..1: three waves whose periods share no rhythm."""
    wave = np.zeros(len(seconds))
    for share, faster in ((0.55, 1.0), (0.3, 1.73), (0.15, 2.91)):
        period = slowest / faster * chance.uniform(0.85, 1.15)
        wave += share * np.sin(2 * np.pi * (seconds / period + chance.random()))
    return wave


def _ease(frame_count: int) -> np.ndarray:
    """0 at both ends, 1 where both are far: smooth steps of 0.8 s, shorter in a short segment."""
    length = min(EASE_SECONDS * FRAMES_PER_SECOND, max((frame_count - 1) / 2, 1))
    from_start = np.arange(frame_count)
    nearer = np.minimum(from_start, frame_count - 1 - from_start)
    step = np.clip(nearer / length, 0, 1)
    return step**3 * (step * (6 * step - 15) + 10)


def _blinks(frame_count: int, chance: random.Random) -> np.ndarray:
    closed = np.zeros(frame_count)
    shape = np.array(BLINK_FRAMES)
    start = round(chance.uniform(0.8, BLINK_INTERVAL_SECONDS[1]) * FRAMES_PER_SECOND)
    while start + len(shape) < frame_count:
        closed[start : start + len(shape)] = shape
        start += len(shape) + round(chance.uniform(*BLINK_INTERVAL_SECONDS) * FRAMES_PER_SECOND)
    return closed
