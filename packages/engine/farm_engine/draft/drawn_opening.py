"""An open mouth drawn in flat colours: it closes and opens by its height, over skin where it was drawn."""

from __future__ import annotations

import cv2
import numpy as np

from farm_engine.draft.geometry import Region, region_around, smooth_step
from farm_engine.portrait.face import Face
from farm_engine.portrait.geometry import sample

SEAM = 0.5
"""Where the lips meet, from the upper edge (0) to the lower one (1)."""
LINE = 0.035
"""Height of the line that stays of a closed mouth, in widths of the mouth."""
LEAST_LINE = 1.5
"""Pixels."""
WIDEST = 0.3, 1.6
"""A flat opening is drawn up to this high, in widths, but never more than so many times its own height."""
CHIN_SHARE = 0.4
"""Of the room below the mouth, what a mouth that opens wider than drawn may take."""
MARGIN, LEAST_MARGIN = 0.015, 2.2
"""What is erased around the mouth with its soft edge, in widths, and at least these pixels."""
RING = 0.1
"""Usual skin is this near to the mouth, in widths."""
AROUND = 0.35
"""How far around the mouth the skin is looked at, in widths."""
SKIN_REACHES = 1.0, 0.4, 0.15
"""The skin under the mouth is that around it: from far away where nothing else is near, in widths."""
AS_DRAWN = 0.12
"""Nearer to the drawn height than this part of it, the portrait itself is shown more and more."""
INK_SHARE = 10
"""Percentage of an outlined mouth that is outline, at least."""
UNLIKE_SKIN, SHADES = 24, 2.5
"""A colour that differs by this much in a channel from most around the mouth is not skin, unless shades differ so too:
by so many times what is usual."""


class DrawnOpening:
    """Stands in for `Mouth` where the portrait is a flat drawing with an open mouth. Nothing else moves: neither the
    chin, which such a mouth may fill, nor the lines around it."""

    def __init__(self, frame: np.ndarray, face: Face) -> None:
        self._frame, self._face = frame, face
        self._width = max(face.mouth_width, 1.0)
        self._down = np.float32(-np.sin(face.roll)), np.float32(np.cos(face.roll))
        self._margin = np.float32(max(LEAST_MARGIN, MARGIN * self._width))
        self._line = np.float32(max(LEAST_LINE, LINE * self._width))
        self._most = self._greatest_share()
        margin = 2 * float(self._margin) + 2
        # Of a small mouth the margin is the wider one.
        around = self._region(frame.shape[:2], margin=max(AROUND * self._width, margin))
        skin = self._skin_around(around)
        self.region = self._region(frame.shape[:2], margin=margin)
        self._shape()
        top, left = self.region.top - around.top, self.region.left - around.left
        height, width = self.region.shape
        self._skin = skin[top : top + height, left : left + width]
        self._ink = self._ink_colour()
        self._portrait = frame[self.region.slices].astype(np.float32)

    def draw(self, target: np.ndarray, *, opening: float, hiss: float) -> None:
        """Paint the mouth, opened by 0..1, into `target` (uint8 `[height, width, 3]`)."""
        share = np.float32(opening * self._most)
        gap = self._height * share + np.minimum(self._line, self._height) * np.maximum(1 - share, np.float32(0))
        top = self._upper + np.float32(SEAM) * (self._height - gap)
        bottom = top + gap
        thinner = np.maximum(1 - share, np.float32(0))
        lips = [lip + thinner * (np.minimum(lip, self._closed_lip * self._arc) - lip) for lip in self._lips]
        colour = self._moved(top, bottom, lips, thinner)
        inside = np.minimum(self._v - top + lips[0], bottom + lips[1] - self._v)
        cover = np.clip(np.minimum(inside, -self._beside) + np.float32(0.5), 0, 1)[..., None]
        painted = self._skin + cover * (colour - self._skin)
        # As high as it is drawn, the mouth is the portrait's own.
        as_drawn = smooth_step(np.abs(share - 1), AS_DRAWN, 0.0)
        painted = painted + as_drawn * (self._portrait - painted)
        target[self.region.slices] = np.clip(painted + np.float32(0.5), 0, 255).astype(np.uint8)

    def _moved(self, top: np.ndarray, bottom: np.ndarray, lips: list[np.ndarray], thinner: np.float32) -> np.ndarray:
        """The portrait with its lips, as high as `lips`, above `top` and below `bottom`, and what is between them
        squeezed. Its outline, and a mere line, keep their ink, which a squeezed picture loses."""
        gap, least = bottom - top, np.float32(0.1)
        above, below = (drawn / np.maximum(shown, least) for drawn, shown in zip(self._lips, lips, strict=True))
        source = self._upper + (self._v - top) * (self._height / np.maximum(gap, least))
        source = np.where(self._v < top, self._upper + (self._v - top) * above, source)
        source = np.where(self._v > bottom, self._lower + (self._v - bottom) * below, source)
        shift = self._v - source
        colour = sample(self._frame, self._x - self._down[0] * shift, self._y - self._down[1] * shift)
        inside = np.minimum(self._v - top, bottom - self._v)
        outline = np.clip(self._line - inside, 0, 1) * smooth_step(thinner, 0.1, 0.5)
        line = smooth_step(gap, 3 * float(self._line), 1.5 * float(self._line))
        ink = np.maximum(outline, line) * np.clip(inside + np.float32(0.5), 0, 1)
        return colour + ink[..., None] * (self._ink - colour)

    def _along(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates in the face's own axes, origin in the middle of the mouth: across and down."""
        x, y = points[..., 0] - self._face.mouth_centre[0], points[..., 1] - self._face.mouth_centre[1]
        sine, cosine = -float(self._down[0]), float(self._down[1])
        return x * cosine + y * sine, y * cosine - x * sine

    def _greatest_share(self) -> float:
        """How high the mouth opens, in its drawn height: a flat one higher than it is drawn, if the chin has room."""
        lower = self._along(self._face.lower_lip_inner)[1]
        height = max(float((lower - self._along(self._face.upper_lip_inner)[1]).max()), 1.0)
        room = max(float(self._along(self._face.chin[None])[1][0] - lower.max()), 0.0)
        return float(np.clip(WIDEST[0] * self._width / height, 1, min(WIDEST[1], 1 + CHIN_SHARE * room / height)))

    def _region(self, frame_shape: tuple[int, int], *, margin: float) -> Region:
        points = np.concatenate([self._face.upper_lip_outer, self._face.lower_lip_outer])
        points = points + (self._most - 1) * (points - self._face.mouth_centre)
        low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
        return region_around(np.stack([low, high]), frame_shape)

    def _shape(self) -> None:
        """Where the mouth is, as heights in each pixel's column, float32 `[height, width]`."""
        face = self._face
        self._x, self._y = self.region.grid()
        u, v = self._along(np.stack([self._x, self._y], axis=-1).astype(np.float64))

        def height(lip: np.ndarray) -> np.ndarray:
            return np.interp(u, *self._along(lip)).astype(np.float32)

        self._v = v.astype(np.float32)
        self._upper, self._lower = height(face.upper_lip_inner), height(face.lower_lip_inner)
        self._height = np.maximum(self._lower - self._upper, 0)
        outer = (self._upper - height(face.upper_lip_outer), height(face.lower_lip_outer) - self._lower)
        self._lips = [np.maximum(lip, 0) for lip in outer]
        self._closed_lip = np.float32(self._lip_height())
        left, right = self._along(face.upper_lip_outer[[0, -1]])[0]
        self._beside = np.maximum(left - u, u - right).astype(np.float32)
        across = (2 * u - left - right) / max(right - left, 1.0)
        self._arc = np.sqrt(np.clip(1 - across * across, 0, 1)).astype(np.float32)

    def _lip_height(self) -> float:
        """Height of the lips in their middle."""
        face, middle = self._face, len(self._face.upper_lip_inner) // 2
        above = face.upper_lip_inner[middle] - face.upper_lip_outer[middle]
        below = face.lower_lip_outer[middle] - face.lower_lip_inner[middle]
        return float(max(np.hypot(*above), np.hypot(*below)))

    def _from_mouth(self, region: Region) -> np.ndarray:
        """How far each pixel is from the mouth as it is drawn, with its lips: float32 `[height, width]`."""
        outline = np.concatenate([self._face.upper_lip_outer, self._face.lower_lip_outer[::-1]])
        elsewhere = np.ones(region.shape, np.uint8)
        corners = np.round((outline - [region.left, region.top]) * 16).astype(np.int32)
        cv2.fillPoly(elsewhere, [corners], 0, shift=4)
        return cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)

    def _skin_around(self, region: Region) -> np.ndarray:
        """The portrait with skin where its mouth is: float32 `[height, width, 3]`."""
        away = self._from_mouth(region)
        frame = self._frame[region.slices].astype(np.float32)
        face = np.zeros(region.shape, np.uint8)
        oval = cv2.convexHull(np.round(self._face.oval - [region.left, region.top]).astype(np.int32))
        cv2.fillConvexPoly(face, oval, 1)
        beside = (away > 2 * self._margin) & (face > 0)
        ring = beside & (away < RING * self._width + 2 * self._margin)
        if not ring.any():
            return frame
        usual = np.median(frame[ring], axis=0)
        unlike = np.abs(frame - usual).max(axis=2)
        shades = max(UNLIKE_SKIN, SHADES * float(np.median(unlike[ring])))
        is_skin = (beside & (unlike < shades)).astype(np.float32)[..., None]
        skin = np.broadcast_to(usual, frame.shape).astype(np.float32)
        for reach in SKIN_REACHES:
            size = round(reach * self._width) | 1
            weight = _blurred(is_skin, size)[..., None]
            near = _blurred(frame * is_skin, size) / np.maximum(weight, np.float32(1e-3))
            skin = skin + np.clip(4 * weight, 0, 1) * (near - skin)
        hidden = np.clip(2 - away / self._margin, 0, 1)[..., None]
        return frame + hidden * (np.round(skin) - frame)

    def _ink_colour(self) -> np.ndarray:
        """The darkest tenth of the mouth."""
        mouth = self._frame[self.region.slices][self._from_mouth(self.region) == 0]
        if not len(mouth):
            return np.zeros(3, np.float32)
        brightness = mouth.sum(axis=1, dtype=np.int64)
        return np.median(mouth[brightness <= np.percentile(brightness, INK_SHARE)], axis=0).astype(np.float32)


def _blurred(field: np.ndarray, size: int) -> np.ndarray:
    once = cv2.blur(field, (size, size), borderType=cv2.BORDER_CONSTANT)
    return cv2.blur(once, (size, size), borderType=cv2.BORDER_CONSTANT)
