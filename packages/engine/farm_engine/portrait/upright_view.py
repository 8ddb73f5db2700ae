"""An upright view of a mouth or an eye, and curves that are moved in it to where the picture has them."""

from __future__ import annotations

import cv2
import numpy as np

COLUMNS = 65
ROWS_PER_WIDTH = 80
"""Resolution of the view that is searched."""
SMOOTHING = 9


class View:
    """Columns along the line between two points of a picture (RGB), rows across it.

    `lab` is the view as 8-bit Lab, float64 `[rows, columns, 3]`; `u` and `v` are the pixels along and across the line.
    """

    def __init__(self, picture: np.ndarray, left: np.ndarray, right: np.ndarray, *, reach: float) -> None:
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
        """Row of each column, float `[COLUMNS]`, of a curve given as points `[n, 2]` in the picture's pixels."""
        offset = curve - self._origin
        heights = np.interp(self.u, offset @ self._across, offset @ self._down)
        return np.interp(heights, self.v, np.arange(len(self.v)))

    def points(self, rows: np.ndarray, count: int) -> np.ndarray:
        """`count` points `[count, 2]`, in the picture's pixels, along a curve given as one row per column."""
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


def darkest_path(view: View, expected: np.ndarray, *, reach: int) -> np.ndarray:
    """The path from left to right that is darkest, at most `reach` rows off the expected one, and smooth: the line
    between closed lips, the lashes of an upper lid. Dynamic programming over steps of at most one row per column."""
    offsets = np.arange(-reach, reach + 1)
    rows = np.clip(np.round(expected).astype(int)[:, None] + offsets, 0, len(view.v) - 1)
    columns = np.arange(COLUMNS)[:, None]
    cost = view.lab[rows, columns, 0] + 40.0 * (offsets / reach) ** 2
    # The mesh is most reliable at the corners.
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


def grown_edge(
    view: View, edge: np.ndarray, *, towards: int, outside: np.ndarray, inside: np.ndarray, reach: int
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
