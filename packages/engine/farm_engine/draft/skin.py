"""Colours of the skin along a line, for what is painted over an eye or a mouth."""

from __future__ import annotations

import numpy as np

from farm_engine.portrait.geometry import sample

COLUMNS = 15
UNLIKE_SKIN = 45
"""A colour that differs by this much in a channel from sure skin is something else."""


def skin_at(frame: np.ndarray, points: np.ndarray, sure: slice) -> np.ndarray:
    """Colours of the skin, float64 `[COLUMNS, 3]`, at points `[rows, COLUMNS, 2]`. Medians, so that lashes, the crease,
    a brow, the rim of glasses or a drawn line do not colour them; and nothing that is unlike the columns that are
    `sure`, such as what is behind a turned face."""
    points = points.astype(np.float32)
    colours = np.median(sample(frame, points[..., 0], points[..., 1]), axis=0)
    reference = np.median(colours[sure], axis=0)
    is_skin = np.abs(colours - reference).max(axis=1, keepdims=True) < UNLIKE_SKIN
    colours = np.where(is_skin, colours, reference)
    padded = np.pad(colours, ((4, 4), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 9, axis=0)
    return np.round(np.median(windows, axis=2))


def spread(colours: np.ndarray, u: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Colours of columns (at `columns` along the line) as those of pixels at `u`: float32 `[*u.shape, 3]`."""
    return np.stack([np.interp(u, columns, channel) for channel in colours.T], axis=-1).astype(np.float32)
