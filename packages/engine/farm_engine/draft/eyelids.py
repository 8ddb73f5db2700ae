"""Blinking: the upper lid, drawn down over the eye."""

from __future__ import annotations

import numpy as np

from farm_engine.draft.face import Eye
from farm_engine.draft.geometry import region_around, sample, smooth_step

LID_SKIN = 0.9
"""Height of the skin that stretches into the lid, as a fraction of the eye's width... above the lashes."""


class Eyelid:
    """The upper lid of one eye."""

    def __init__(self, frame: np.ndarray, eye: Eye) -> None:
        self._frame = frame
        self._eye = eye
        across = eye.upper_lid[-1] - eye.upper_lid[0]
        width = float(np.hypot(*across))
        across = (across / max(width, 1e-6)).astype(np.float32)
        self._down = (-across[1], across[0])
        centre = (eye.upper_lid[0] + eye.upper_lid[-1]) / 2
        reach = np.array([[-0.7, -0.75], [0.7, -0.75], [-0.7, 0.5], [0.7, 0.5]]) * width
        axes = np.array([across, self._down], dtype=np.float64)
        self.region = region_around(centre + reach @ axes, frame.shape[:2])
        self._x, self._y = self.region.grid()
        x, y = self._x - np.float32(centre[0]), self._y - np.float32(centre[1])
        u, self._v = x * across[0] + y * across[1], y * across[0] - x * across[1]
        upper, lower = (eye.upper_lid - centre) @ axes.T, (eye.lower_lid - centre) @ axes.T
        self._upper = np.interp(u, upper[:, 0], upper[:, 1]).astype(np.float32)
        lower_edge = np.interp(u, lower[:, 0], lower[:, 1]).astype(np.float32)
        self._travel = np.maximum(lower_edge - self._upper, 0)
        self._edge_width = np.float32(max(0.8, 0.03 * width))
        self._skin = smooth_step(self._upper - self._v, 0.5 * width, 0.0)

    def draw(self, target: np.ndarray, *, closed: float) -> None:
        """Paint the lid, closed by 0..1, into `target`."""
        travel = self._travel * np.float32(closed)
        shift = travel * self._skin
        lid = sample(self._frame, self._x - self._down[0] * shift, self._y - self._down[1] * shift)
        cover = np.clip((self._upper + travel - self._v) / self._edge_width + np.float32(0.5), 0, 1)
        cover = (cover * np.clip(travel / self._edge_width, 0, 1))[..., None]
        under = target[self.region.slices].astype(np.float32)
        painted = under + cover * (lid.astype(np.float32) - under) + np.float32(0.5)
        target[self.region.slices] = np.clip(painted, 0, 255).astype(np.uint8)
