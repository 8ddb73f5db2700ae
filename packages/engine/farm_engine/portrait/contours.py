"""Setting the mesh's lips and lids onto what the picture shows.

The mesh was trained on photographs and is off by some pixels, by more on drawings. Lips that part next to their line
and lashes that do not follow a blink are noticed immediately, so the picture itself decides, within reach of the mesh.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from farm_engine.portrait.face import Eye, Face
from farm_engine.portrait.geometry import sample
from farm_engine.portrait.upright_view import COLUMNS, ROWS_PER_WIDTH, View, darkest_path, grown_edge

CLOSED_BELOW = 0.045
"""Lips closer together than this fraction of the mouth's width count as closed."""
LINE_BELOW, LINE_CONTRAST, SKIN_CONTRAST = 0.2, 30.0, 10.0
"""A mouth drawn as a mere line, which the mesh mistakes for open lips: at most this wide, this much darker than what is
above and below it, and that is skin (8-bit Lab)."""
SEAM_REACH = 0.10
LIP_REACH = 0.14
CORNER_REACH = 0.16
EYE_SIZES = (1.0, 1.15, 1.3, 1.45)
"""Sizes of an eye against the mesh's: drawn ones are larger than any that the mesh has seen."""
LARGER_COST = 20.0
"""How much darker (8-bit Lab) the lashes of a larger eye have to be: the ink of a drawing is, a crease or the rim of
glasses is not."""
LASHES_ABOVE, LASHES_REACH, LOWER_LID_REACH = 0.03, 0.10, 0.14
"""Lashes are looked for around a line a little above the mesh's, so as not to meet the pupil."""
WITHIN_FACE = 0.8
"""Where in the outline of a face there is most skin, from its middle (0) to the outline itself (1)."""
WHITE_PALER = 12.0
"""How much less colourful (8-bit Lab) than skin the white of an eye is."""


def fit_to_picture(picture: np.ndarray, face: Face) -> Face:
    """The face, with the lips and the lids where the picture (RGB) has them; all in the picture's pixels."""
    upper, lower = _fitted_lips(picture, face)
    return fit_eyes(picture, replace(face, upper_lip_inner=upper, lower_lip_inner=lower))


def fit_eyes(picture: np.ndarray, face: Face) -> Face:
    """The face, with the lids where the picture has them; without eyes where these are drawn so large that the mesh
    is within their whites."""
    eyes = _fitted_eyes(picture, face.eyes)
    points = (face.centre + WITHIN_FACE * (face.oval - face.centre)).astype(np.float32)[None]
    skin = np.median(cv2.cvtColor(sample(picture, points[..., 0], points[..., 1]), cv2.COLOR_RGB2LAB)[0], axis=0)
    return replace(face, eyes=() if any(_lies_in_white(picture, eye, skin) for eye in eyes) else eyes)


def _lies_in_white(picture: np.ndarray, eye: Eye, skin: np.ndarray) -> bool:
    """Whether what is above and below the lids is paler and lighter than skin."""
    view = View(picture, eye.upper_lid[0], eye.upper_lid[-1], reach=0.8)
    upper, lower = view.rows(eye.upper_lid), view.rows(eye.lower_lid)
    above = view.colour_between(upper - 0.25 * ROWS_PER_WIDTH, upper - 0.12 * ROWS_PER_WIDTH)
    below = view.colour_between(lower + 0.1 * ROWS_PER_WIDTH, lower + 0.25 * ROWS_PER_WIDTH)
    paler = [_colourfulness(skin) - _colourfulness(beside) for beside in (above, below)]
    return min(paler) > WHITE_PALER and min(above[0], below[0]) > skin[0]


def _colourfulness(lab: np.ndarray) -> float:
    return float(np.hypot(lab[1] - 128, lab[2] - 128))


def _fitted_eyes(picture: np.ndarray, eyes: tuple[Eye, ...]) -> tuple[Eye, ...]:
    """The upper lids where their lashes are, the lower ones where the skin begins below the eye. Eyes count as
    larger than the mesh's only if that fits both: one alone might mistake its brow for lashes."""
    candidates = [[_Lashes(picture, eye, size) for eye in eyes] for size in EYE_SIZES]
    usual = [lashes.cost for lashes in candidates[0]]
    best = min(
        candidates,
        key=lambda found: max((one.cost - cost for one, cost in zip(found, usual, strict=True)), default=0.0),
    )
    return tuple(lashes.eye() for lashes in best)


class _Lashes:
    """The darkest line near the upper lid, if the eye is `size` times the mesh's."""

    def __init__(self, picture: np.ndarray, eye: Eye, size: float) -> None:
        centre = (eye.upper_lid[0] + eye.upper_lid[-1]) / 2
        upper, lower = (centre + size * (lid - centre) for lid in (eye.upper_lid, eye.lower_lid))
        self._view = View(picture, upper[0], upper[-1], reach=0.8)
        self._count = len(upper)
        expected = self._view.rows(upper) - LASHES_ABOVE * ROWS_PER_WIDTH
        rows = darkest_path(self._view, expected, reach=round(LASHES_REACH * ROWS_PER_WIDTH))
        self._lower = self._view.rows(lower)
        self._rows = np.minimum(rows, self._lower)
        lightness = self._view.lab[np.round(self._rows).astype(int), np.arange(COLUMNS), 0]
        self.cost = float(lightness.mean()) + LARGER_COST * (size > 1)

    def eye(self) -> Eye:
        view, lower = self._view, self._lower
        skin = view.colour_between(lower + 0.2 * ROWS_PER_WIDTH, lower + 0.35 * ROWS_PER_WIDTH)
        inside = view.colour_between(self._rows, lower)
        reach = round(LOWER_LID_REACH * ROWS_PER_WIDTH)
        grown = grown_edge(view, lower, towards=1, outside=skin, inside=inside, reach=reach) - lower
        below = max(float(np.median(grown[COLUMNS // 4 : -COLUMNS // 4])), 0.0)
        bow = 1 - np.linspace(-1, 1, COLUMNS) ** 2
        return Eye(
            upper_lid=view.points(self._rows, self._count), lower_lid=view.points(lower + below * bow, self._count)
        )


def _fitted_lips(picture: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
    corners = face.upper_lip_inner[0], face.upper_lip_inner[-1]
    view = View(picture, *corners, reach=0.7)
    upper, lower = view.rows(face.upper_lip_inner), view.rows(face.lower_lip_inner)
    middle = slice(COLUMNS // 4, -COLUMNS // 4)
    gap = float(np.median((lower - upper)[middle])) / ROWS_PER_WIDTH
    count = len(face.upper_lip_inner)
    upper_outer, lower_outer = view.rows(face.upper_lip_outer), view.rows(face.lower_lip_outer)
    upper_lip = view.colour_between(upper_outer + 0.3 * (upper - upper_outer), upper - 0.2 * (upper - upper_outer))
    lower_lip = view.colour_between(lower + 0.2 * (lower_outer - lower), lower_outer - 0.3 * (lower_outer - lower))
    between = view.colour_between(upper + 0.25 * (lower - upper), lower - 0.25 * (lower - upper))
    skin = view.colour_between(lower_outer + 0.12 * ROWS_PER_WIDTH, lower_outer + 0.3 * ROWS_PER_WIDTH)
    if gap < CLOSED_BELOW or (gap < LINE_BELOW and _is_line(skin, above=upper_lip, between=between, below=lower_lip)):
        seam = darkest_path(view, (upper + lower) / 2, reach=round(SEAM_REACH * ROWS_PER_WIDTH))
        points = view.points(seam, count)
        return points, points
    reach = round(LIP_REACH * ROWS_PER_WIDTH)
    left, right = _corner_steps(picture, corners, lips=(upper_lip, lower_lip), between=between)
    ends = np.clip((1 - np.abs(np.linspace(-1, 1, COLUMNS))) * 6, 0, 1)
    upper_fit = grown_edge(view, upper, towards=-1, outside=upper_lip, inside=between, reach=reach)
    lower_fit = grown_edge(view, lower, towards=1, outside=lower_lip, inside=between, reach=reach)
    upper_fit, lower_fit = upper + ends * (upper_fit - upper), lower + ends * (lower_fit - lower)
    upper_points, lower_points = view.points(upper_fit, count), view.points(np.maximum(lower_fit, upper_fit), count)
    # Stretched evenly from the middle, the curves end at the corners that the picture shows.
    along = np.linspace(-1, 1, count)[:, None]
    stretch = np.where(along < 0, -along * left, along * right)
    return upper_points + stretch, lower_points + stretch


def _is_line(skin: np.ndarray, *, above: np.ndarray, between: np.ndarray, below: np.ndarray) -> bool:
    is_skin = all(float(np.sqrt(((beside - skin) ** 2).sum())) < SKIN_CONTRAST for beside in (above, below))
    return is_skin and between[0] < min(above[0], below[0]) - LINE_CONTRAST


def _corner_steps(
    picture: np.ndarray,
    corners: tuple[np.ndarray, np.ndarray],
    *,
    lips: tuple[np.ndarray, np.ndarray],
    between: np.ndarray,
) -> list[np.ndarray]:
    """How far each corner of an open mouth is outside the mesh's: as long as there are teeth or dark next to it."""
    steps = []
    for corner, other in (corners, corners[::-1]):
        outwards = corner - other
        view = View(picture, corner, corner + CORNER_REACH * outwards, reach=0.4)
        to_gap = np.sqrt(((view.lab - between) ** 2).sum(axis=2))
        to_lips = np.min([np.sqrt(((view.lab - lip) ** 2).sum(axis=2)) for lip in lips], axis=0)
        is_gap = (to_gap < 0.7 * to_lips).any(axis=0)
        reached = COLUMNS if is_gap.all() else int(is_gap.argmin())
        steps.append(CORNER_REACH * outwards * (reached % COLUMNS) / COLUMNS)
    return steps
