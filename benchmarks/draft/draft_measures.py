"""What is measured on the draft engine's frames."""

from __future__ import annotations

import numpy as np

FRAME_SAMPLES = 640
SILENT_BELOW = 0.03
"""A frame whose loudness is below this part of the loudest is silent."""
SILENCE_FRAMES = 5
"""A pause of at least this many frames, 200 ms, is one in which the mouth should close."""
CLOSED_BELOW = 0.08
"""The mouth counts as closed when the region differs from the closed mouth by less than this part of the most."""


def envelope(samples: np.ndarray, frame_count: int) -> np.ndarray:
    """Loudness of the speech: root mean square of each frame's samples."""
    padded = np.zeros(frame_count * FRAME_SAMPLES)
    padded[: min(len(samples), len(padded))] = samples[: len(padded)]
    return np.sqrt((padded.reshape(frame_count, FRAME_SAMPLES) ** 2).mean(axis=1))


def region_motion(frames: np.ndarray, rest: np.ndarray, region: tuple[slice, slice]) -> np.ndarray:
    """How much each frame's region differs from the portrait's at rest: mean absolute difference, 0..255."""
    part = frames[:, region[0], region[1]].astype(np.int16)
    return np.abs(part - rest[region].astype(np.int16)).mean(axis=(1, 2, 3))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length], other[:length])[0, 1])


def closing_delays(motion: np.ndarray, loudness: np.ndarray) -> list[float]:
    """Milliseconds from the start of each pause to the first frame whose mouth is closed; motion of a still head."""
    silent = loudness < SILENT_BELOW * loudness.max()
    closed = motion < CLOSED_BELOW * motion.max()
    starts = [
        index
        for index in range(1, len(silent) - SILENCE_FRAMES)
        if not silent[index - 1] and silent[index : index + SILENCE_FRAMES].all()
    ]
    delays = []
    for start in starts:
        after = np.flatnonzero(closed[start:])
        delays.append(40.0 * float(after[0]) if len(after) else float("inf"))
    return delays


def outside_change(frames: np.ndarray, rest: np.ndarray, outside: np.ndarray) -> tuple[float, float]:
    """Mean absolute difference to the portrait outside the head, on average over the frames and in the worst one."""
    still = rest.astype(np.int16)[outside]
    changes = [float(np.abs(frame.astype(np.int16)[outside] - still).mean()) for frame in frames]
    return float(np.mean(changes)), float(np.max(changes))


def flicker(frames: np.ndarray) -> float:
    """Share of the pixels' movement that is undone in the next frame: 1 for a picture that jumps to and fro, towards 0
    for one that moves smoothly. Both are sums over all pixels and frames."""
    steps = np.diff(frames[:, ::2, ::2].astype(np.int16), axis=0)
    undone = np.minimum(np.abs(steps[:-1]), np.abs(steps[1:])) * (np.sign(steps[:-1]) != np.sign(steps[1:]))
    return float(undone.sum() / max(np.abs(steps).sum(), 1))
