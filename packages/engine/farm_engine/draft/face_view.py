"""The lower half of a face seen upright, what in it is not skin, and whether it is drawn in flat colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from farm_engine.portrait.face import Face
from farm_engine.portrait.geometry import square_view

FACE_WIDTH = 240
"""The view's scale: so many pixels for the width of the face."""
SIDE = round(1.5 * FACE_WIDTH)
WITHIN_FACE = 0.9
"""The part of the mesh's outline, from its middle, that is surely face: a drawn outline may be a little inside."""
AROUND_LIPS = 20
"""Pixels around the mesh's lips where the mouth may be, and that say nothing about the skin."""
COLOUR_STEP = 10
SKIN_STEPS = (22.0, 14.0, 10.0, 10.0)
"""How far (8-bit Lab) a pixel may be from the skin's colour to count in each pass of fitting it."""
FLAT_WITHIN, FLAT_SHARE = 8.0, 0.76
"""A face is drawn in flat colours if this much of it, without its ink, is this near to one colour or to one even slope
of colours. Photographs reach 0.6, drawings that are modelled with shades 0.7, flat ones begin at 0.8."""
LIGHTER_THAN_INK = 0.7
EVEN_STEP, EVEN_SHARE = 1.0, 0.75
"""Or if this much of it does not differ from the pixels beside (8-bit Lab), because its eyes and teeth leave little
skin; which says nothing about a picture that is enlarged."""


@dataclass(frozen=True, kw_only=True)
class FaceView:
    """An upright view, `SIDE` pixels square."""

    lightness: np.ndarray
    """float64 `[SIDE, SIDE]`, 0..255."""
    from_skin: np.ndarray
    """How far each pixel's colour is from the skin's (8-bit Lab)."""
    skin_lightness: float
    is_flat: bool
    """Whether the skin has one colour, or an even slope of colours, not the shades of a photograph or a painting."""
    linear: np.ndarray
    """A point p of the picture is seen at `linear @ p + offset`."""
    offset: np.ndarray

    def seen(self, points: np.ndarray) -> np.ndarray:
        return points @ self.linear.T + self.offset

    def in_picture(self, points: np.ndarray) -> np.ndarray:
        return (points - self.offset) @ np.linalg.inv(self.linear).T


def view_face(picture: np.ndarray, face: Face) -> FaceView:
    """The view of a face in a picture (RGB)."""
    scale, roll = FACE_WIDTH / max(float(face.size[0]), 1.0), face.roll
    linear = scale * np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    offset = SIDE / 2 - linear @ ((face.nose_base + face.chin) / 2)
    view = square_view(picture, np.column_stack([linear, offset]), SIDE)
    lab = cv2.cvtColor(view, cv2.COLOR_RGB2LAB).astype(np.float64)
    lips = _hull(np.concatenate([face.upper_lip_outer, face.lower_lip_outer]) @ linear.T + offset)
    skin = _hull((face.centre + WITHIN_FACE * (face.oval - face.centre)) @ linear.T + offset) > 0
    skin &= cv2.dilate(lips, np.ones((2 * AROUND_LIPS + 1,) * 2)) == 0
    if not skin.any():
        skin[:] = True
    colour = _skin_colour(lab, skin)
    from_skin = np.sqrt(((lab - colour) ** 2).sum(axis=2))
    skin_lightness = float(np.median(colour[..., 0][skin]))
    light = skin & (lab[..., 0] > LIGHTER_THAN_INK * skin_lightness)
    is_even = scale < 1 and _evenness(lab[..., 0], skin) > EVEN_SHARE
    return FaceView(
        lightness=lab[..., 0],
        from_skin=from_skin,
        skin_lightness=skin_lightness,
        is_flat=is_even or bool((from_skin[light] < FLAT_WITHIN).mean() > FLAT_SHARE),
        linear=linear,
        offset=offset,
    )


def _hull(points: np.ndarray) -> np.ndarray:
    inside = np.zeros((SIDE, SIDE), np.uint8)
    return cv2.fillConvexPoly(inside, cv2.convexHull(np.round(points).astype(np.int32)), 1)


def _skin_colour(lab: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The most frequent colour, as an even slope over the view: float64 `[SIDE, SIDE, 3]`."""
    cells, counts = np.unique((lab[where] // COLOUR_STEP).astype(int), axis=0, return_counts=True)
    colour = np.broadcast_to((cells[counts.argmax()] + 0.5) * COLOUR_STEP, lab.shape)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    terms = np.stack([np.ones_like(x), x, y], axis=-1)
    for step in SKIN_STEPS:
        near = where & (((lab - colour) ** 2).sum(axis=2) < step**2)
        if near.sum() < 3 * SIDE:
            break
        colour = terms @ np.linalg.lstsq(terms[near], lab[near], rcond=None)[0]
    return colour


def _evenness(lightness: np.ndarray, where: np.ndarray) -> float:
    steps = np.abs(np.diff(lightness, axis=0))[:, :-1] + np.abs(np.diff(lightness, axis=1))[:-1]
    return float((steps[where[:-1, :-1]] <= EVEN_STEP).mean())
