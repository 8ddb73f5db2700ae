"""The face mesh (FaceMesh): 468 points of a face, from a box that roughly surrounds it."""

from __future__ import annotations

import cv2
import numpy as np

from farm_engine.portrait.geometry import square_view
from farm_engine.portrait.network_files import MESH_FILE, network

MESH_SIZE = 192
HOPELESS = 0.5
"""Two passes whose belief in a face is below this are not worth a third."""
CROP_MARGIN = 1.5
MOST_PASSES = 8
"""Each pass crops around the points of the one before, until they stay where they are. The detector's box can be 40
degrees askew under a hat or for a tilted head; such a face needs four or five passes, most need three."""
SETTLED_SHIFT, SETTLED_TURN = 0.03, 0.03
"""A box that moved less than this fraction of its side and turned by fewer radians has settled."""


def mesh_from_box(picture: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, float]:
    """Points `[468, 3]` and the belief, 0..1, that they are on a face; `box` is `[centre x, centre y, side, angle]`.

    The belief is the lesser one of the last two passes, because a face keeps the network's belief and a chance likeness
    loses it; 0 where the points do not settle."""
    points, belief = _mesh(picture, box)
    for _ in range(MOST_PASSES - 1):
        before, belief_before = box_around(points), belief
        points, belief = _mesh(picture, before)
        if max(belief_before, belief) < HOPELESS:
            break
        if _has_settled(before, box_around(points)):
            return points, min(belief_before, belief)
    return points, 0.0


def _has_settled(before: np.ndarray, after: np.ndarray) -> bool:
    shift = max(np.abs(after[:2] - before[:2]).max(), abs(after[2] - before[2]))
    return bool(shift < SETTLED_SHIFT * after[2] and abs(after[3] - before[3]) < SETTLED_TURN)


def _mesh(picture: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, float]:
    """Points within a rotated square and the network's belief that it holds a face, 0..1."""
    centre, angle = box[:2], box[3]
    scale = MESH_SIZE / (box[2] * CROP_MARGIN)
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = scale * np.array([[cosine, sine], [-sine, cosine]])
    offset = MESH_SIZE / 2 - linear @ centre
    crop = square_view(picture, np.column_stack([linear, offset]), MESH_SIZE)
    mesh_network = network(MESH_FILE)
    mesh_network.setInput(cv2.dnn.blobFromImage(crop, 1 / 255))
    points = mesh_network.forward("conv2d_21").reshape(-1, 3).astype(np.float64)
    score = 1 / (1 + np.exp(-np.clip(float(mesh_network.forward("conv2d_31").reshape(-1)[0]), -50, 50)))
    flat = (points[:, :2] - offset) @ np.linalg.inv(linear).T
    return np.column_stack([flat, points[:, 2] / scale]), float(score)


def box_around(points: np.ndarray) -> np.ndarray:
    """The square around a mesh: `[centre x, centre y, side, angle]`, the angle of the eye line in radians."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    across = points[263, :2] - points[33, :2]
    return np.array([*(low + high) / 2, (high - low).max(), np.arctan2(across[1], across[0])])


def mesh_size(points: np.ndarray) -> float:
    """Width plus height of a mesh's outline in pixels."""
    return float((points[:, :2].max(axis=0) - points[:, :2].min(axis=0)).sum())
