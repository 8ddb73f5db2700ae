"""Closing the mouth of a portrait that shows it open: the jaw comes up as far as it has room, skin hides the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from farm_engine.draft.geometry import smooth_step
from farm_engine.draft.skin import COLUMNS, skin_at, spread

JAW_CLOSING = 0.85
"""How far the jaw moves when the lips close, against the lower lip."""
CHIN_TRAVEL = 0.5
"""How far the lower lip can come up, as a part of the chin's height: more would fold what it moves."""
SKIN_BELOW = 0.06, 0.16
"""Where the skin that hides an open mouth is taken, below the lower lip, as fractions of the mouth's width."""
LINE = 0.05
"""Width of the line that may be drawn around an open mouth, which is hidden too."""
SEAM_DARKNESS = 0.5


@dataclass(frozen=True, kw_only=True)
class MouthSize:
    """Pixels."""

    width: float
    widest: float
    """Between the lips, where they are furthest apart."""
    lip: float
    """Thickness of the lower lip."""
    chin: float
    """From the lower lip's edge to the chin."""


@dataclass(frozen=True, kw_only=True)
class Lips:
    """The lips of a portrait, each field float32 `[height, width]` over the pixels of the mouth's region."""

    u: np.ndarray
    """Across the mouth, pixels."""
    v: np.ndarray
    """Down, from the middle of the mouth."""
    t: np.ndarray
    """Across: -1 and 1 at the corners."""
    seam: np.ndarray
    """Height, as `v`, at which they close in each column."""
    lower_edge: np.ndarray
    """Height of the lower lip's edge."""
    steepness: np.ndarray
    """How much that edge rises or falls per pixel: what is drawn along it is higher by that much."""


def closing_reach(widest: float, chin: float) -> float:
    """How far below the lower lip skin moves when lips that are `widest` apart close; all in pixels."""
    return max(1.3 * chin, 0.3 * chin + 3.0 * min(0.6 * widest, CHIN_TRAVEL * chin))


class Closing:
    """What happens below the seam."""

    def __init__(
        self, frame: np.ndarray, lips: Lips, *, below: Callable[[np.ndarray, np.ndarray], np.ndarray], size: MouthSize
    ) -> None:
        """`below(u, depth)` gives the frame's pixels `[..., 2]` that are `depth` below the lower lip's edge at `u`."""
        self._lips = lips
        wanted = lips.lower_edge - lips.seam
        travel = np.minimum(wanted, np.float32(CHIN_TRAVEL * size.chin))
        self._hidden = wanted - travel
        self.most_hidden = float(self._hidden.max())
        """What the jaw leaves open of the portrait's mouth, pixels: speech uncovers it before it moves the jaw."""
        self.pull = self._jaw_pull(travel, size)
        self._edge = np.float32(max(0.9, 0.012 * size.width))
        self._line = np.float32(LINE * size.width)
        if self.most_hidden > 0:
            columns = np.linspace(-0.45, 0.45, COLUMNS) * size.width
            depths = np.linspace(*SKIN_BELOW, 9)[:, None] * size.width
            self._skin = spread(skin_at(frame, below(columns, depths), slice(None)), lips.u, columns)

    def hide(self, picture: np.ndarray, *, bottom: np.ndarray, jaw: np.ndarray) -> None:
        """Paint skin over what lips that part at `bottom` leave open below it, when the jaw has dropped by `jaw`;
        `picture` is `[height, width, 3]`."""
        below = self._lips.v - bottom
        end = self._lips.seam + jaw + self._hidden + self._line * (1 + self._lips.steepness)
        inside = np.minimum(below, end - self._lips.v)
        cover = np.clip(inside / self._edge + np.float32(0.5), 0, 1) * np.clip(self._hidden / self._edge, 0, 1)
        line = np.clip(1 - np.abs(below) / (2 * self._edge), 0, 1) * np.float32(SEAM_DARKNESS)
        colour = self._skin * (1 - line)[..., None]
        under = picture.astype(np.float32)
        picture[:] = np.clip(under + cover[..., None] * (colour - under) + np.float32(0.5), 0, 255).astype(np.uint8)

    def _jaw_pull(self, travel: np.ndarray, size: MouthSize) -> np.ndarray:
        """How far each pixel moves, negative upwards: the lip as far as the mouth is open there, the jaw as one piece,
        so that its outline stays whole."""
        depth, furthest = self._lips.v - self._lips.seam - self._hidden, float(travel.max())
        jaw = np.float32(JAW_CLOSING * furthest) * smooth_step(np.abs(self._lips.t), 2.4, 0.4)
        # At the corners the lip stays and the jaw moves: the skin between them must not fold.
        share = smooth_step(depth, 0.5 * size.lip, max(size.lip + 0.35 * size.chin, 1.6 * furthest, 1.0))
        reach = closing_reach(size.widest, size.chin)
        return -(travel + (jaw - travel) * share) * smooth_step(depth, reach, 0.3 * size.chin)
