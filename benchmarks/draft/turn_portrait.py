"""Turns the head of a portrait to the side, for faces in three-quarter view that are free to use.

    python benchmarks/draft/turn_portrait.py <portrait> <turned.jpg> <degrees>

The face mesh says how deep each point of the face is; a rounded shape around it stands for hair and shoulders.
Degrees are positive towards the picture's left.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from farm_engine.portrait.face import FACE_OVAL
from farm_engine.portrait.face_search import find_faces
from farm_engine.portrait.framing import read_portrait

WORKING_SIZE = 1536
"""Long side of the picture that is turned, pixels; edges come out smooth because the result is smaller."""
RESULT_SIZE = 640
SAMPLES_PER_PIXEL = 4
EARS = (234, 454)
"""Points of the mesh in front of the ears: the axis of the turn is at their depth."""


def turned(picture: np.ndarray, mesh: np.ndarray, degrees: float) -> np.ndarray:
    """The picture (RGB), every row moved as its depth asks, without the columns that it does not show. What comes into
    view behind the face is stretched from next to it."""
    height, width = picture.shape[:2]
    depth = _depth(picture.shape[:2], mesh)
    axis_x = mesh[list(FACE_OVAL), 0].mean()
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    source_x = np.arange(0, width - 1, 1 / SAMPLES_PER_PIXEL)
    map_x, left, right = np.empty((height, width), np.float32), 0, width
    for y in range(height):
        z = np.interp(source_x, np.arange(width), depth[y])
        x = axis_x + cosine * (source_x - axis_x) + sine * z
        towards_viewer = sine * (source_x - axis_x) - cosine * z
        order = np.argsort(towards_viewer, kind="stable")
        landed = np.round(x[order]).astype(int)
        seen = (landed >= 0) & (landed < width)
        row = np.full(width, np.nan)
        row[landed[seen]] = source_x[order][seen]
        known = np.flatnonzero(~np.isnan(row))
        left, right = max(left, known[0]), min(right, known[-1] + 1)
        map_x[y] = np.interp(np.arange(width), known, row[known])
    map_y = np.broadcast_to(np.arange(height, dtype=np.float32)[:, None], map_x.shape).copy()
    return cv2.remap(picture, map_x[:, left:right], map_y[:, left:right], cv2.INTER_CUBIC)


def _depth(shape: tuple[int, int], mesh: np.ndarray) -> np.ndarray:
    """Depth of every pixel against the ears, smaller towards the viewer."""
    oval = mesh[list(FACE_OVAL)]
    face_width, face_height = np.ptp(oval[:, 0]), np.ptp(oval[:, 1])
    y, x = np.mgrid[: shape[0], : shape[1]]
    centre = oval[:, :2].mean(axis=0) - [0, 0.15 * face_height]
    across, down = (x - centre[0]) / (0.62 * face_width), (y - centre[1]) / (0.78 * face_height)
    from_centre = across**2 + down**2
    hair = 0.3 * face_width * (0.35 - np.sqrt(np.clip(1 - from_centre, 0, 1)))
    beyond = 0.22 * face_width * (1 + np.clip(from_centre - 1, 0, 1.2))
    around = np.where(from_centre < 1, hair, beyond)
    face, known = _mesh_depth(shape, mesh)
    blend = cv2.GaussianBlur(cv2.erode(known, np.ones((9, 9))), (0, 0), 0.05 * face_height)
    share = np.clip(2 * blend - 1, 0, 1)
    return cv2.GaussianBlur(share * face + (1 - share) * around, (0, 0), 3.0)


def _mesh_depth(shape: tuple[int, int], mesh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth interpolated between the mesh's points, and where there are any: both float64 `[height, width]`."""
    ears = mesh[list(EARS), 2].mean()
    depth, known = np.zeros(shape), np.zeros(shape)
    division = cv2.Subdiv2D((-10_000, -10_000, 40_000, 40_000))
    for point in mesh[:, :2]:
        division.insert((float(point[0]), float(point[1])))
    for triangle in division.getTriangleList().reshape(-1, 3, 2):
        away = np.linalg.norm(mesh[None, :, :2] - triangle[:, None], axis=2)
        if away.min(axis=1).max() > 1:
            continue  # a corner of the division's own frame
        plane = np.linalg.lstsq(
            np.column_stack([triangle, np.ones(3)]), mesh[away.argmin(axis=1), 2] - ears, rcond=None
        )
        part = np.zeros(shape, np.uint8)
        cv2.fillConvexPoly(part, np.round(triangle * 16).astype(np.int32), 1, shift=4)
        rows, columns = np.nonzero(part)
        depth[rows, columns] = np.column_stack([columns, rows, np.ones(len(rows))]) @ plane[0]
        known[rows, columns] = 1
    return depth, known


def main() -> None:
    source, target, degrees = sys.argv[1:]
    picture = read_portrait(Path(source))
    scale = WORKING_SIZE / max(picture.shape[:2])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    mesh = find_faces(picture).certain[0]
    result = turned(picture, mesh, float(degrees))
    scale = RESULT_SIZE / max(result.shape[:2])
    result = cv2.resize(result, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cv2.imwrite(target, result[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
