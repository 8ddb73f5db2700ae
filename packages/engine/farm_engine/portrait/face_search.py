"""Searching a picture for faces, from large squares to small ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from farm_engine.portrait.detector import detect
from farm_engine.portrait.mesh import box_around, mesh_from_box, mesh_size

SEARCH_SIZE = 1024
"""The search looks at a picture of at most this many pixels on its long side."""
TILE_SIDES = (1.4, 1.0, 0.6, 0.36, 0.22)
"""Sides of the squares searched, largest first, as fractions of the long side. A face shows up when it is more than
about a fifth of its square, so these reach from a face that overflows the picture to a twentieth of its height."""
LEAST_BELIEF, LEAST_BELIEF_IN_DOUBT = 0.99, 0.85
"""How much the mesh network has to believe in a face once its points have settled. Faces in photographs and drawings
reached 0.995 or more, likenesses 0.98 at most."""


@dataclass(frozen=True, kw_only=True)
class FoundFaces:
    """Meshes: float64 `[468, 3]` in the picture's pixels, in MediaPipe's order; z towards the viewer is negative."""

    certain: list[np.ndarray]
    """Largest first; empty where no face is beyond doubt."""
    doubtful: np.ndarray | None
    """The best of what merely resembles a face: a drawing's, a creature's."""


def find_faces(picture: np.ndarray) -> FoundFaces:
    """Search an RGB picture, uint8 `[height, width, 3]`, from large squares to small ones, until faces are found."""
    shrink = min(1.0, SEARCH_SIZE / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else picture
    doubtful, best_belief = None, LEAST_BELIEF_IN_DOUBT
    certain: list[np.ndarray] = []
    for side_fraction in TILE_SIDES:
        had_faces = bool(certain)
        side = round(side_fraction * max(small.shape[:2]))
        for x, y in _tile_corners(small, side):
            for found in detect(small, x=x, y=y, side=side):
                box = found / np.array([shrink, shrink, shrink, 1])
                if any(_is_in(box, face) for face in certain):
                    continue
                points, belief = mesh_from_box(picture, box)
                if belief >= LEAST_BELIEF:
                    certain.append(points)
                elif belief >= best_belief:
                    doubtful, best_belief = points, belief
        if had_faces:
            break  # one size further than the first find, for neighbours that are a little smaller
    return FoundFaces(certain=_apart(certain), doubtful=None if certain else doubtful)


def _apart(meshes: list[np.ndarray]) -> list[np.ndarray]:
    """Each face once, largest first: neighbouring squares show the same ones."""
    kept: list[np.ndarray] = []
    for points in sorted(meshes, key=mesh_size, reverse=True):
        if not any(_is_in(box_around(points), other) for other in kept):
            kept.append(points)
    return kept


def _is_in(box: np.ndarray, face: np.ndarray) -> bool:
    """Whether a box has its centre in a face that was found already."""
    return float(np.hypot(*(box[:2] - box_around(face)[:2]))) <= 0.25 * mesh_size(face)


def _tile_corners(picture: np.ndarray, side: int) -> Iterator[tuple[int, int]]:
    height, width = picture.shape[:2]
    for y in _tile_starts(height, side):
        for x in _tile_starts(width, side):
            yield x, y


def _tile_starts(length: int, side: int) -> list[int]:
    """Starts of squares that overlap by at least half; one centred square where it is longer than the picture."""
    if side >= length:
        return [(length - side) // 2]
    count = -(-(length - side) * 2 // side) + 1
    return [round(index * (length - side) / (count - 1)) for index in range(count)]
