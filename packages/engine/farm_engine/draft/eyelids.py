"""Blinking: a lid with the colours of the skin around the eye, drawn down over it with lashes at its edge."""

from __future__ import annotations

import numpy as np

from farm_engine.draft.face import Eye
from farm_engine.draft.geometry import region_around, sample, smooth_step

WIDER, HIGHER, LOWER = 1.22, 1.45, 1.75
"""The lid is larger than the mesh's outline of the eye, which is tight on photographs and too small on drawings."""
SKIN_ABOVE, SKIN_BELOW = (0.13, 0.30), (0.14, 0.30)
"""Where the lid's colour is taken, from above and below the eye, as fractions of its width."""
LASHES = 0.035
"""Half the height of the lashes' line, as a fraction of the eye's width."""
LASH_DARKNESS = 0.5
SKIN_BRIGHTNESS = 0.5, 0.75
"""Brightness above the eye against below it: certainly no skin, and surely skin."""
LID_SHADE = 0.94
"""A lid catches a little less light than the skin around it."""


class Eyelid:
    """The upper lid of one eye."""

    def __init__(self, frame: np.ndarray, eye: Eye) -> None:
        centre = (eye.upper_lid[0] + eye.upper_lid[-1]) / 2
        across = eye.upper_lid[-1] - eye.upper_lid[0]
        width = max(float(np.hypot(*across)), 1.0)
        axes = np.array([across, [-across[1], across[0]]]) / width
        upper = (eye.upper_lid - centre) @ axes.T * np.array([WIDER, HIGHER])
        lower = (eye.lower_lid - centre) @ axes.T * np.array([WIDER, LOWER])
        corners = np.array([[side, v] for side in (-0.65, 0.65) for v in (upper[:, 1].min(), lower[:, 1].max())])
        corners = corners * np.array([width, 1]) + np.array([0, 0.1 * width]) * np.array([[-1], [1], [-1], [1]])
        self.region = region_around(centre + corners @ axes, frame.shape[:2])
        x, y = self.region.grid()
        x, y = x - np.float32(centre[0]), y - np.float32(centre[1])
        across_x, across_y = np.float32(axes[0, 0]), np.float32(axes[0, 1])
        u, self._v = x * across_x + y * across_y, y * across_x - x * across_y
        self._upper = np.interp(u, upper[:, 0], upper[:, 1]).astype(np.float32)
        lower_edge = np.interp(u, lower[:, 0], lower[:, 1]).astype(np.float32)
        self._travel = np.maximum(lower_edge - self._upper, 0)
        self._lash_travel = np.maximum(lower_edge / np.float32(LOWER) - self._upper, 0)
        self._edge_width = np.float32(max(1.0, 0.06 * width))
        self._upper_softness = np.float32(max(1.0, 0.09 * width))
        self._lash_width = np.float32(max(0.9, LASHES * width))
        self._within = smooth_step(np.abs(u), 0.60 * width, 0.52 * width)
        above = _skin_along(frame, centre, axes, upper, width, -1, SKIN_ABOVE)
        below = _skin_along(frame, centre, axes, lower, width, 1, SKIN_BELOW)
        # Above the eye there may be a brow, hair or the rim of glasses instead of skin.
        brightness = above.mean(axis=1, keepdims=True) / np.maximum(below.mean(axis=1, keepdims=True), 1)
        is_skin = smooth_step(brightness, *SKIN_BRIGHTNESS)
        self._skin = self._lid_colour(u, width, below + is_skin * (above - below), below)

    def draw(self, target: np.ndarray, *, closed: float) -> None:
        """Paint the lid, closed by 0..1, into `target`."""
        edge = self._upper + self._travel * np.float32(closed)
        cover = np.clip((edge - self._v) / self._edge_width + np.float32(0.5), 0, 1)
        cover = cover * np.clip((self._v - self._upper) / self._upper_softness + np.float32(0.5), 0, 1) * self._within
        lashes = self._upper + self._lash_travel * np.float32(closed)
        to_lashes = (self._v - lashes + self._lash_width) / self._lash_width
        thin = np.clip(self._lash_travel / (4 * self._lash_width), 0, 1)
        lash = np.clip(1 - to_lashes * to_lashes, 0, 1) * np.float32(LASH_DARKNESS) * thin
        colour = self._skin * (1 - lash)[..., None]
        under = target[self.region.slices].astype(np.float32)
        painted = under + cover[..., None] * (colour - under) + np.float32(0.5)
        target[self.region.slices] = np.clip(painted, 0, 255).astype(np.uint8)

    def _lid_colour(self, u: np.ndarray, width: float, above: np.ndarray, below: np.ndarray) -> np.ndarray:
        depth = np.clip((self._v - self._upper) / np.maximum(self._travel, 1), 0, 1)[..., None]
        columns = np.linspace(-0.5 * WIDER * width, 0.5 * WIDER * width, len(above))

        def spread(colours: np.ndarray) -> np.ndarray:
            return np.stack([np.interp(u, columns, channel) for channel in colours.T], axis=-1).astype(np.float32)

        bulge = 4 * depth * (1 - depth)
        shade = 1 - np.float32(1 - LID_SHADE) * bulge
        return (spread(above) * (1 - depth) + spread(below) * depth) * shade


def _skin_along(
    frame: np.ndarray,
    centre: np.ndarray,
    axes: np.ndarray,
    lid: np.ndarray,
    width: float,
    side: int,
    depths: tuple[float, float],
    count: int = 15,
) -> np.ndarray:
    """Colours of the skin beside a lid (`side` -1 above, 1 below), float64 `[count, 3]` from left to right. Medians,
    so that lashes, the crease, a brow or the rim of glasses do not colour them."""
    u = np.linspace(-0.5 * WIDER, 0.5 * WIDER, count) * width
    v = np.interp(u, lid[:, 0], lid[:, 1])
    rows = side * np.linspace(*depths, 9) * width
    points = (centre + (np.stack(np.broadcast_arrays(u, v + rows[:, None]), axis=-1) @ axes)).astype(np.float32)
    colours = np.median(sample(frame, points[..., 0], points[..., 1]), axis=0)
    padded = np.pad(colours, ((4, 4), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 9, axis=0)
    return np.round(np.median(windows, axis=2))
