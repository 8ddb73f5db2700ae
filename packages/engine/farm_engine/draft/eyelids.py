"""Blinking: a lid with the colours of the skin around the eye, drawn down over it, and the lashes with it."""

from __future__ import annotations

import numpy as np

from farm_engine.draft.geometry import region_around, smooth_step
from farm_engine.draft.skin import COLUMNS, skin_at, spread
from farm_engine.portrait.face import Eye
from farm_engine.portrait.geometry import sample

WIDER = 1.24
"""The lid reaches a little beyond the eye's corners."""
ABOVE, BELOW = 0.11, 0.05
"""It covers this much above the upper lashes, which leave their place, and below the eye: fractions of the eye's width,
as all that follow."""
SKIN_ABOVE, SKIN_BELOW = (-0.24, -0.12), (0.07, 0.2)
"""Where the lid's colour is taken, above the upper lashes and below the eye: near, so that its border does not show."""
NEAR_OUTLINE = 0.85
"""An eye whose middle is this near to the outline of the face, in widths, belongs to a face that is turned."""
LASHES = 0.045
"""Half the height of the lashes' line."""
LASH_DARKNESS = 0.3, 0.75
"""How much of the light closed lashes absorb, at least and at most; between these, as much as the portrait's own."""
SKIN_BRIGHTNESS = 0.6, 0.85
"""Brightness above the eye against below it: below the first it is not skin, above the second it is."""
BRIGHTEST_LID = 1.25
"""A lid's brightness against the white of its eye, at most: an eye in the shade has its lid in the shade."""
LID_SHADE = 0.94
"""A lid catches a little less light than the skin around it."""


class Eyelid:
    """The upper lid of one eye."""

    def __init__(self, frame: np.ndarray, eye: Eye, oval: np.ndarray) -> None:
        """`oval` is the outline of the face, `[n, 2]` in the frame's pixels: seen from the side, an eye ends at it."""
        centre = (eye.upper_lid[0] + eye.upper_lid[-1]) / 2
        across = eye.upper_lid[-1] - eye.upper_lid[0]
        width = max(float(np.hypot(*across)), 1.0)
        axes = np.array([across, [-across[1], across[0]]]) / width
        upper = (eye.upper_lid - centre) @ axes.T * np.array([WIDER, 1])
        lower = (eye.lower_lid - centre) @ axes.T * np.array([WIDER, 1])
        margin = np.array([0.1, ABOVE + 0.1]) * width
        low, high = np.minimum(upper, lower).min(axis=0) - margin, np.maximum(upper, lower).max(axis=0) + margin
        corners = np.array([[u, v] for u in (low[0], high[0]) for v in (low[1], high[1])])
        self.region = region_around(centre + corners @ axes, frame.shape[:2])
        x, y = self.region.grid()
        x, y = x - np.float32(centre[0]), y - np.float32(centre[1])
        across_x, across_y = np.float32(axes[0, 0]), np.float32(axes[0, 1])
        u, self._v = x * across_x + y * across_y, y * across_x - x * across_y
        self._lashes = np.interp(u, upper[:, 0], upper[:, 1]).astype(np.float32)
        self._eye_end = np.maximum(np.interp(u, lower[:, 0], lower[:, 1]).astype(np.float32), self._lashes)
        self._softness = np.float32(max(1.0, 0.10 * width))
        self._edge_width = np.float32(max(1.0, 0.05 * width))
        self._lash_width = np.float32(max(0.9, LASHES * width))
        self._above, self._below = np.float32(ABOVE * width), np.float32(BELOW * width)
        outline = _outline((oval - centre) @ axes.T, width)
        self._within = _within(u, width, outline)
        # The lashes of a closed eye thin out towards its corners.
        self._lash_share = smooth_step(np.abs(u), 0.54 * width, 0.36 * width)
        columns = np.linspace(-0.5 * WIDER * width, 0.5 * WIDER * width, COLUMNS)
        sure = _surely_skin(outline, width)

        def skin_beside(lid: np.ndarray, rows: tuple[float, float]) -> np.ndarray:
            v = np.interp(columns, lid[:, 0], lid[:, 1]) + np.linspace(*rows, 9)[:, None] * width
            points = centre + np.stack([np.broadcast_to(columns, v.shape), v], axis=-1) @ axes
            return skin_at(frame, points, sure)

        above, below = skin_beside(upper, SKIN_ABOVE), skin_beside(lower, SKIN_BELOW)
        # Above the eye there may be a brow, hair or the rim of glasses instead of skin.
        brightness = above.mean(axis=1, keepdims=True) / np.maximum(below.mean(axis=1, keepdims=True), 1)
        is_skin = smooth_step(brightness, *SKIN_BRIGHTNESS)
        self._lash_darkness = _lash_darkness(frame, eye, below)
        above = below + is_skin * (above - below)
        shade = _shade(frame, eye, max(float(above.mean()), float(below.mean()), 1.0))
        self._skin = self._lid_colour(u, width, above=above * shade, below=below * (1 + shade) / 2)

    def draw(self, target: np.ndarray, *, closed: float) -> None:
        """Paint the lid, closed by 0..1, into `target`."""
        travel = (self._eye_end - self._lashes) * np.float32(closed)
        edge = self._lashes + travel + self._below * np.float32(closed)
        cover = np.clip((edge - self._v) / self._edge_width + np.float32(0.5), 0, 1) * self._within
        cover = cover * np.clip((self._v - self._lashes + self._above) / self._softness, 0, 1)
        to_lashes = (self._v - self._lashes - travel + np.float32(0.5) * self._lash_width) / self._lash_width
        lash = np.clip(1 - to_lashes * to_lashes, 0, 1) * self._lash_darkness * self._lash_share
        colour = self._skin * (1 - lash)[..., None]
        under = target[self.region.slices].astype(np.float32)
        painted = under + cover[..., None] * (colour - under) + np.float32(0.5)
        target[self.region.slices] = np.clip(painted, 0, 255).astype(np.uint8)

    def _lid_colour(self, u: np.ndarray, width: float, *, above: np.ndarray, below: np.ndarray) -> np.ndarray:
        top, bottom = self._lashes - self._above, self._eye_end + self._below
        depth = np.clip((self._v - top) / np.maximum(bottom - top, 1), 0, 1)[..., None]
        columns = np.linspace(-0.5 * WIDER * width, 0.5 * WIDER * width, len(above))

        bulge = 4 * depth * (1 - depth)
        shade = 1 - np.float32(1 - LID_SHADE) * bulge
        return (spread(above, u, columns) * (1 - depth) + spread(below, u, columns) * depth) * shade


def _outline(oval: np.ndarray, width: float) -> tuple[float, float]:
    """How far the face reaches to the left and to the right of the eye's middle; `oval` in the eye's axes."""
    after = np.roll(oval, -1, axis=0)
    crosses = (oval[:, 1] < 0) != (after[:, 1] < 0)
    start, end = oval[crosses], after[crosses]
    u = start[:, 0] - start[:, 1] * (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    left, right = float(-u.min(initial=-width)), float(u.max(initial=width))
    return left, right


def _surely_skin(outline: tuple[float, float], width: float) -> slice:
    """Columns around the eye that the face certainly fills: those towards the nose, where the face is turned."""
    left, right = outline
    if min(left, right) > NEAR_OUTLINE * width:
        return slice(None)
    return slice(COLUMNS // 2) if left > right else slice(COLUMNS // 2 + 1, None)


def _within(u: np.ndarray, width: float, outline: tuple[float, float]) -> np.ndarray:
    """1 across the eye, fading beyond its corners, but before the outline of the face."""
    left, right = (float(np.clip(end, 0.42 * width, 0.64 * width)) for end in outline)
    fade = 0.08 * width
    return smooth_step(-u, left, left - fade) * smooth_step(u, right, right - fade)


def _shade(frame: np.ndarray, eye: Eye, skin: float) -> float:
    """What to darken skin of this brightness by, so that it can cover the eye."""
    levels = np.linspace(0.2, 0.8, 7)[:, None, None]
    points = (eye.upper_lid + levels * (eye.lower_lid - eye.upper_lid))[:, 1:-1].astype(np.float32)
    white = float(np.percentile(sample(frame, points[..., 0], points[..., 1]).mean(axis=2), 90))
    return round(min(1.0, BRIGHTEST_LID * white / skin), 2)


def _lash_darkness(frame: np.ndarray, eye: Eye, skin: np.ndarray) -> np.float32:
    """How much darker the portrait's own upper lashes are than the skin below the eye, 0..1."""
    points = eye.upper_lid[2:-2].astype(np.float32)[None]
    lashes = float(np.median(sample(frame, points[..., 0], points[..., 1]).mean(axis=2)))
    darkness = 1 - lashes / max(float(np.median(skin)), 1.0)
    return np.float32(round(float(np.clip(darkness, *LASH_DARKNESS)), 2))
