"""Finding the mouth of a face in flat colours: a line, or an opening with or without outline, teeth and tongue.

The mesh knows the mouths of people. Drawn ones are twice as wide, fill the chin or are a small circle, and then its
lips are within the opening or next to the line. Where colours are flat, the picture itself says where the mouth is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from farm_engine.draft.face_view import FACE_WIDTH, SIDE, FaceView
from farm_engine.draft.open_mouth import without_spikes
from farm_engine.portrait.face import Face

CURVE_POINTS = 11
LEAST_CONTRAST = 30.0
"""Ink is at least this much darker than skin (8-bit Lab)."""
DARKEST_SHARE = 0.4
"""Percentage of the pixels around the lips that a thin line covers at least."""
INK = 0.58
"""Ink and cavities are darker than this part of the skin's lightness; lips are not."""
REACHES = 8, 20, 40
"""Pixels (of the view) around the mesh's lips in which the mouth is looked for, one after the other."""
LEAST_WIDTH = 0.1
"""Of the face's width."""
FARTHEST = 0.3
"""How far the mouth's middle may be from the mesh's, in widths of the face."""
LINE_HEIGHT, LINE_SHAPE = 0.06, 0.2
"""A line is thinner than this fraction of the face's width, and than this fraction of its own."""
LINE_INK, BESIDE_INK, BESIDE = 0.22, 0.72, 4
"""Ink is darker than the first part of the skin's lightness (the line between lips in a photograph has 0.3); this many
pixels beside it, the picture is lighter than the second."""
LIP_REACH = 0.13
"""Drawn lips are thinner than this fraction of the face's width."""
NOT_SKIN = 14.0
OUTLINE = 11
"""The lines of a face are thinner than these pixels (of the view)."""
BOW = 0.06
"""What moves with a line as its lips, in widths of the mouth."""
SAME_CORNER, ON_LINE = 0.12, 0.85
"""The mesh's mouth is the drawn line where its corners are this near to the line's ends, in widths, and this much of
its seam is on the line."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Rows of each column from `left` on, in the view's pixels."""

    left: int
    upper: np.ndarray
    lower: np.ndarray

    @property
    def width(self) -> int:
        return len(self.upper)

    @property
    def columns(self) -> np.ndarray:
        return np.arange(self.left, self.left + self.width)

    @property
    def is_line(self) -> bool:
        quarter = self.width // 4
        height = float(np.median((self.lower - self.upper)[quarter : self.width - quarter]))
        return height < min(LINE_HEIGHT * FACE_WIDTH, LINE_SHAPE * self.width)


def drawn_mouth(view: FaceView, face: Face) -> Outline | None:
    """The outline of what looks most like a drawn mouth; None where nothing does."""
    lips = view.seen(np.concatenate([face.upper_lip_outer, face.lower_lip_outer]))
    highest = float(view.seen(face.nose_base)[1])
    outlines = (_outline(candidate, lips, highest) for candidate in _candidates(view, lips))
    return next(filter(None, outlines), None)


def with_mouth(view: FaceView, face: Face, outline: Outline) -> Face:
    """The face with this mouth: a line, or an opening."""
    return _with_line(view, face, outline) if outline.is_line else _with_opening(view, face, outline)


def is_ink_line(view: FaceView, outline: Outline) -> bool:
    """Whether an outline is a line of ink with skin on both sides, as no photograph has it: lips are darker."""
    quarter = outline.width // 4
    columns = outline.columns[quarter : outline.width - quarter]

    def lightness(rows: np.ndarray) -> float:
        rows = np.clip(np.round(rows[quarter : outline.width - quarter]), 0, SIDE - 1).astype(int)
        return float(np.median(view.lightness[rows, columns])) / view.skin_lightness

    beside = min(lightness(outline.upper - BESIDE), lightness(outline.lower + BESIDE))
    return outline.is_line and lightness((outline.upper + outline.lower) / 2) < LINE_INK and beside > BESIDE_INK


def _candidates(view: FaceView, lips: np.ndarray) -> Iterator[np.ndarray]:
    """What may be the mouth, the most likely first: ink, which is nearer to the darkest around the lips than to skin;
    where its outline runs into that of the face or the nose, ink that is thicker than a line; and whatever is thicker
    than a line and not skin, such as teeth with an outline of that kind. Each bool `[SIDE, SIDE]`."""
    near = _around(lips, REACHES[-1]) > 0
    darkest = float(np.percentile(view.lightness[near], DARKEST_SHARE)) if near.any() else np.inf
    if darkest > min(view.skin_lightness - LEAST_CONTRAST, INK * view.skin_lightness):
        return
    ink = view.lightness < (view.skin_lightness + darkest) / 2
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (OUTLINE, OUTLINE))
    yield ink
    for solid in (ink, view.from_skin > NOT_SKIN):
        yield cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0


def _around(lips: np.ndarray, reach: int) -> np.ndarray:
    inside = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round(lips).astype(np.int32)), 1)
    return cv2.dilate(inside, np.ones((2 * reach + 1, 2 * reach + 1)))


def _outline(candidate: np.ndarray, lips: np.ndarray, highest: float) -> Outline | None:
    """The largest piece at the mesh's lips, with its middle below row `highest`, and what it encloses."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(candidate.astype(np.uint8), connectivity=8)
    middle = lips.mean(axis=0)
    pieces = [_filled(labels == piece) for piece in range(1, count) if _may_be_mouth(boxes[piece], middle, highest)]
    for reach in REACHES:
        near = _around(lips, reach) > 0
        if touching := [piece for piece in pieces if (piece & near).any()]:
            return _edges(max(touching, key=lambda piece: int(piece.sum())))
    return None


def _may_be_mouth(box: np.ndarray, middle: np.ndarray, highest: float) -> bool:
    x, y, width, height, _ = box
    within = x > 0 and y > 0 and x + width < SIDE and y + height < SIDE
    away = np.abs(np.array([x + width / 2, y + height / 2]) - middle).max()
    return bool(
        within and y + height / 2 > highest and width > LEAST_WIDTH * FACE_WIDTH and away < FARTHEST * FACE_WIDTH
    )


def _filled(piece: np.ndarray) -> np.ndarray:
    contours, _ = cv2.findContours(piece.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros(piece.shape, np.uint8), contours, -1, 1, cv2.FILLED) > 0


def _edges(mouth: np.ndarray) -> Outline:
    used = np.flatnonzero(mouth.any(axis=0))
    columns = np.arange(used[0], used[-1] + 1)
    upper = mouth[:, columns].argmax(axis=0).astype(np.float64)
    lower = SIDE - mouth[::-1, columns].argmax(axis=0).astype(np.float64)
    return Outline(left=int(used[0]), upper=without_spikes(upper, up=True), lower=without_spikes(lower))


def _with_line(view: FaceView, face: Face, outline: Outline) -> Face:
    """The face with its closed lips on the line; as it is where they already are."""
    middle = (outline.upper + outline.lower) / 2
    seam = view.seen((face.upper_lip_inner + face.lower_lip_inner) / 2)
    away = max(abs(seam[0, 0] - outline.left), abs(seam[-1, 0] - outline.left - outline.width))
    at = np.clip(np.round(np.linspace(seam[0, 0], seam[-1, 0], SIDE)) - outline.left, 0, outline.width - 1).astype(int)
    rows = np.interp(at + outline.left, *seam.T)
    on_line = ((rows > outline.upper[at] - 2) & (rows < outline.lower[at] + 2)).mean()
    is_closed = np.array_equal(face.upper_lip_inner, face.lower_lip_inner)
    if is_closed and away < SAME_CORNER * outline.width and on_line > ON_LINE:
        return face
    line = _curve(outline, middle, even=True)
    bow = np.sin(np.linspace(0, np.pi, CURVE_POINTS))[:, None] * np.array([0.0, BOW * outline.width])
    curves = {
        "upper_lip_inner": line,
        "lower_lip_inner": line,
        "upper_lip_outer": line - bow,
        "lower_lip_outer": line + bow,
    }
    return replace(face, drawn="line", **{name: view.in_picture(curve) for name, curve in curves.items()})


def _with_opening(view: FaceView, face: Face, outline: Outline) -> Face:
    """The face with an opening and, where something lies between it and the skin, lips around it."""
    lip_above, lip_below = (
        _lip_height(view, outline, edge, step) for edge, step in ((outline.upper, -1), (outline.lower, 1))
    )
    # Half the ink's soft edge belongs to it.
    upper, lower = _curve(outline, outline.upper - 1), _curve(outline, outline.lower + 1)
    upper[[0, -1]] = lower[[0, -1]] = (upper[[0, -1]] + lower[[0, -1]]) / 2
    beside = np.linspace(-1, 1, CURVE_POINTS)[:, None] * np.array([min(lip_above, lip_below), 0.0])
    curves = {
        "upper_lip_inner": upper,
        "lower_lip_inner": lower,
        "upper_lip_outer": upper + beside - [0, lip_above],
        "lower_lip_outer": lower + beside + [0, lip_below],
    }
    return replace(face, drawn="opening", **{name: view.in_picture(curve) for name, curve in curves.items()})


def _lip_height(view: FaceView, outline: Outline, edge: np.ndarray, step: int) -> float:
    """Rows from an edge to the skin: the median over the middle half of the columns. 0 where there is none near."""
    reach = round(LIP_REACH * FACE_WIDTH)
    quarter = outline.width // 4
    columns = outline.columns[quarter : outline.width - quarter]
    edge = edge[quarter : outline.width - quarter]
    # The first pixels are the ink's soft edge.
    steps = np.arange(2, reach)[:, None]
    rows = np.clip(np.round(edge + step * steps), 0, SIDE - 1).astype(int)
    is_skin = view.from_skin[rows, columns] < NOT_SKIN
    met = np.where(is_skin.any(axis=0), is_skin.argmax(axis=0), 0)
    return float(np.median(met))


def _curve(outline: Outline, rows: np.ndarray, *, even: bool = False) -> np.ndarray:
    """`CURVE_POINTS` points; the sides of an opening are upright, so most are near its corners unless `even`."""
    share = np.linspace(0, 1, CURVE_POINTS)
    along = share if even else (1 - np.cos(np.pi * share)) / 2
    columns = np.arange(len(rows))
    x = along * (len(rows) - 1)
    return np.column_stack([outline.left + x, np.interp(x, columns, rows)])
