"""Setting the mesh's lips onto what the picture shows.

The mesh was trained on photographs and is off by some pixels, by more on drawings. Lips that part beside their line
look wrong at once, so the picture itself decides, within reach of the mesh.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from farm_engine.draft.face import Face

COLUMNS = 65
ROWS_PER_WIDTH = 80
"""Resolution of the view that is searched."""
CLOSED_BELOW = 0.045
"""Lips less than this fraction of the mouth's width apart are taken for closed."""
LINE_BELOW, LINE_CONTRAST, SKIN_CONTRAST = 0.2, 30.0, 10.0
"""A mouth drawn as a mere line, which the mesh takes for lips apart: at most this wide, this much darker than what is
above and below it, and that is skin (8-bit Lab)."""
SEAM_REACH = 0.10
LIP_REACH = 0.14
CORNER_REACH = 0.16
SMOOTHING = 9


def fit_to_picture(picture: np.ndarray, face: Face) -> Face:
    """The face, with the lips where the picture (RGB) has them; all in the picture's pixels."""
    upper, lower = _fitted_lips(picture, face)
    return replace(face, upper_lip_inner=upper, lower_lip_inner=lower)


class _View:
    """An upright view of the mouth: columns along the line between two points, rows across it."""

    def __init__(self, picture: np.ndarray, left: np.ndarray, right: np.ndarray, reach: float) -> None:
        self._origin = (left + right) / 2
        self.width = max(float(np.hypot(*(right - left))), 1.0)
        self._across = (right - left) / self.width
        self._down = np.array([-self._across[1], self._across[0]])
        self.u = np.linspace(-0.5, 0.5, COLUMNS) * self.width
        row_count = 2 * round(reach * ROWS_PER_WIDTH) + 1
        self.v = np.linspace(-reach, reach, row_count) * self.width
        points = (self._origin + self.u[None, :, None] * self._across + self.v[:, None, None] * self._down).astype(
            np.float32
        )
        view = cv2.remap(picture, points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self.lab = cv2.cvtColor(view, cv2.COLOR_RGB2LAB).astype(np.float64)

    def rows(self, curve: np.ndarray) -> np.ndarray:
        """Row of each column of a curve given as points, as a float array `[COLUMNS]`."""
        offset = curve - self._origin
        heights = np.interp(self.u, offset @ self._across, offset @ self._down)
        return np.interp(heights, self.v, np.arange(len(self.v)))

    def points(self, rows: np.ndarray, count: int) -> np.ndarray:
        """`count` points along a curve given as a row for each column."""
        columns = np.linspace(0, COLUMNS - 1, count)
        u = np.interp(columns, np.arange(COLUMNS), self.u)
        v = np.interp(np.interp(columns, np.arange(COLUMNS), rows), np.arange(len(self.v)), self.v)
        return self._origin + u[:, None] * self._across + v[:, None] * self._down

    def colour_between(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Median colour between two curves (rows), over the middle half of the columns."""
        row = np.arange(len(self.v))[:, None]
        inside = (row >= low) & (row <= np.maximum(high, low + 1))
        inside[:, : COLUMNS // 4] = inside[:, -COLUMNS // 4 :] = False
        return np.median(self.lab[inside], axis=0) if inside.any() else np.median(self.lab.reshape(-1, 3), axis=0)


def _fitted_lips(picture: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
    corners = face.upper_lip_inner[0], face.upper_lip_inner[-1]
    view = _View(picture, *corners, reach=0.7)
    upper, lower = view.rows(face.upper_lip_inner), view.rows(face.lower_lip_inner)
    middle = slice(COLUMNS // 4, -COLUMNS // 4)
    gap = float(np.median((lower - upper)[middle])) / ROWS_PER_WIDTH
    count = len(face.upper_lip_inner)
    upper_outer, lower_outer = view.rows(face.upper_lip_outer), view.rows(face.lower_lip_outer)
    upper_lip = view.colour_between(upper_outer + 0.3 * (upper - upper_outer), upper - 0.2 * (upper - upper_outer))
    lower_lip = view.colour_between(lower + 0.2 * (lower_outer - lower), lower_outer - 0.3 * (lower_outer - lower))
    between = view.colour_between(upper + 0.25 * (lower - upper), lower - 0.25 * (lower - upper))
    skin = view.colour_between(lower_outer + 0.12 * ROWS_PER_WIDTH, lower_outer + 0.3 * ROWS_PER_WIDTH)
    if gap < CLOSED_BELOW or (gap < LINE_BELOW and _is_line(skin, upper_lip, between, lower_lip)):
        seam = _darkest_path(view, (upper + lower) / 2, reach=round(SEAM_REACH * ROWS_PER_WIDTH))
        points = view.points(seam, count)
        return points, points
    reach = round(LIP_REACH * ROWS_PER_WIDTH)
    left, right = _corner_steps(picture, corners, lips=(upper_lip, lower_lip), between=between)
    ends = np.clip((1 - np.abs(np.linspace(-1, 1, COLUMNS))) * 6, 0, 1)
    upper_fit = _grown_edge(view, upper, towards=-1, outside=upper_lip, inside=between, reach=reach)
    lower_fit = _grown_edge(view, lower, towards=1, outside=lower_lip, inside=between, reach=reach)
    upper_fit, lower_fit = upper + ends * (upper_fit - upper), lower + ends * (lower_fit - lower)
    upper_points, lower_points = view.points(upper_fit, count), view.points(np.maximum(lower_fit, upper_fit), count)
    # Stretched evenly from the middle, the curves end at the corners that the picture shows.
    along = np.linspace(-1, 1, count)[:, None]
    stretch = np.where(along < 0, -along * left, along * right)
    return upper_points + stretch, lower_points + stretch


def _is_line(skin: np.ndarray, above: np.ndarray, between: np.ndarray, below: np.ndarray) -> bool:
    is_skin = all(float(np.sqrt(((beside - skin) ** 2).sum())) < SKIN_CONTRAST for beside in (above, below))
    return is_skin and between[0] < min(above[0], below[0]) - LINE_CONTRAST


def _corner_steps(
    picture: np.ndarray,
    corners: tuple[np.ndarray, np.ndarray],
    *,
    lips: tuple[np.ndarray, np.ndarray],
    between: np.ndarray,
) -> list[np.ndarray]:
    """How far each corner of an open mouth lies outside the mesh's: as long as there are teeth or dark beside it."""
    steps = []
    for corner, other in (corners, corners[::-1]):
        outwards = corner - other
        view = _View(picture, corner, corner + CORNER_REACH * outwards, reach=0.4)
        to_gap = np.sqrt(((view.lab - between) ** 2).sum(axis=2))
        to_lips = np.min([np.sqrt(((view.lab - lip) ** 2).sum(axis=2)) for lip in lips], axis=0)
        is_gap = (to_gap < 0.7 * to_lips).any(axis=0)
        reached = COLUMNS if is_gap.all() else int(is_gap.argmin())
        steps.append(CORNER_REACH * outwards * (reached % COLUMNS) / COLUMNS)
    return steps


def _darkest_path(view: _View, expected: np.ndarray, *, reach: int) -> np.ndarray:
    """The path from left to right that is darkest, at most `reach` rows off the expected one, and smooth: the line
    between closed lips. Dynamic programming over steps of at most one row a column."""
    offsets = np.arange(-reach, reach + 1)
    rows = np.clip(np.round(expected).astype(int)[:, None] + offsets, 0, len(view.v) - 1)
    columns = np.arange(COLUMNS)[:, None]
    cost = view.lab[rows, columns, 0] + 40.0 * (offsets / reach) ** 2
    # The corners are where the mesh is surest.
    held = np.clip(np.abs(np.linspace(-1, 1, COLUMNS)) * 5 - 4, 0, 1)[:, None]
    cost = cost + held * 30.0 * np.abs(offsets)
    total, came_from = cost[0], np.zeros(cost.shape, int)
    for column in range(1, COLUMNS):
        options = np.stack([np.roll(total, 1) + 4.0, total, np.roll(total, -1) + 4.0])
        options[0, 0] = options[2, -1] = np.inf
        choice = options.argmin(axis=0)
        came_from[column] = np.arange(len(offsets)) + choice - 1
        total = options.min(axis=0) + cost[column]
    path = np.empty(COLUMNS, int)
    path[-1] = int(total.argmin())
    for column in range(COLUMNS - 1, 0, -1):
        path[column - 1] = came_from[column, path[column]]
    return _smoothed(rows[np.arange(COLUMNS), path].astype(np.float64))


def _grown_edge(
    view: _View, edge: np.ndarray, *, towards: int, outside: np.ndarray, inside: np.ndarray, reach: int
) -> np.ndarray:
    """Move an edge, column by column, `towards` smaller (-1) or larger (1) rows until the picture looks more like
    `outside` than like anything else, or back where it already does; at most `reach` rows."""
    distance = np.sqrt(((view.lab - outside) ** 2).sum(axis=2))
    threshold = max(0.45 * float(np.sqrt(((inside - outside) ** 2).sum())), 14.0)
    grown = np.empty(COLUMNS)
    for column in range(COLUMNS):
        row, moved = round(edge[column]), 0
        while moved < reach and 0 <= row < len(view.v) and distance[row, column] > threshold:
            row, moved = row + towards, moved + 1
        # An edge that ran its whole reach met no skin: hair, glasses, shadow. The mesh knows better there.
        grown[column] = edge[column] if moved == reach else row
    return _smoothed(_median(grown))


def _median(curve: np.ndarray) -> np.ndarray:
    padded = np.pad(curve, SMOOTHING // 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, SMOOTHING), axis=1)


def _smoothed(curve: np.ndarray) -> np.ndarray:
    padded = np.pad(curve, SMOOTHING // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, SMOOTHING).mean(axis=1)
