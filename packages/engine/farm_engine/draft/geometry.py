"""Grids and smooth steps. Only additions, products, quotients and roots touch the frame's pixels: those are
exact to the last bit on every processor, exponentials and sines are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Region:
    """A rectangle of frame pixels, `left`/`top` inside, `right`/`bottom` outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y of every pixel, float32 `[height, width]`, in frame pixels."""
        x = np.arange(self.left, self.right, dtype=np.float32)
        y = np.arange(self.top, self.bottom, dtype=np.float32)
        return np.broadcast_to(x, self.shape).copy(), np.broadcast_to(y[:, None], self.shape).copy()


def region_around(points: np.ndarray, frame_shape: tuple[int, int]) -> Region:
    """The smallest region of a `(height, width)` frame that holds the points; at least one pixel."""
    height, width = frame_shape
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0)) + 1
    left, top = int(np.clip(low[0], 0, width - 1)), int(np.clip(low[1], 0, height - 1))
    return Region(
        left=left,
        top=top,
        right=int(np.clip(high[0], left + 1, width)),
        bottom=int(np.clip(high[1], top + 1, height)),
    )


def smooth_step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between; falls where `low > high`."""
    step = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1).astype(np.float32)
    return step * step * (3 - 2 * step)
