"""Speaking without a mouth to open: the lower face moves down and back with the speech, as one soft piece."""

from __future__ import annotations

import numpy as np

from farm_engine.draft.geometry import region_around
from farm_engine.portrait.face import Face
from farm_engine.portrait.geometry import sample

FULL_DROP, SMALL_DROP = 0.10, 0.04
"""How far the jaw drops at most, as a fraction of the face's height: less where the lines of a drawing move with it."""


class SoftMouth:
    """Stands in for `Mouth` where the lips are not known to the pixel."""

    def __init__(self, frame: np.ndarray, face: Face) -> None:
        self._frame = frame
        self._drop = np.float32((SMALL_DROP if face.drawn else FULL_DROP) * face.size[1])
        jaw = (face.mouth_centre + 2 * face.chin) / 3
        radius_across, radius_down = 0.55 * face.size[0], 0.42 * face.size[1]
        corners = jaw + np.array([[-1, -1], [1, 1]]) * np.array([radius_across, radius_down])
        self.region = region_around(corners, frame.shape[:2])
        self._x, self._y = self.region.grid()
        across = (self._x - np.float32(jaw[0])) / np.float32(radius_across)
        down = (self._y - np.float32(jaw[1])) / np.float32(radius_down)
        near = np.clip(1 - across * across - down * down, 0, 1)
        self._pull = near * near

    def draw(self, target: np.ndarray, *, opening: float, hiss: float) -> None:
        """Paint the lower face, dropped by 0..1, into `target` (uint8 `[height, width, 3]`)."""
        shift = np.float32(opening) * self._drop * self._pull
        target[self.region.slices] = sample(self._frame, self._x, self._y - shift)
