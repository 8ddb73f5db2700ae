"""Finding a face and its 468 points with two small networks (see models/README.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np

DETECTOR_SIZE = 128
MESH_SIZE = 192
SEARCH_SIZE = 1024
"""The search looks at a picture of at most this many pixels on its long side."""
TILE_SIDES = (1.4, 1.0, 0.6, 0.36, 0.22)
"""Sides of the squares searched, largest first, as fractions of the long side. A face shows up when it is more than
about a fifth of its square, so these reach from a face that overflows the picture to a twentieth of its height."""
LEAST_DETECTION = 0.5
LEAST_BELIEF, LEAST_BELIEF_IN_DOUBT, HOPELESS = 0.99, 0.85, 0.5
"""How much the mesh network has to believe in a face once its points have settled. Faces in photographs and drawings
reached 0.995 or more, likenesses 0.98 at most. Two passes below the last one are not worth a third."""
CROP_MARGIN = 1.5
MOST_PASSES = 8
"""Each pass crops around the points of the one before, until they stay where they are. The detector's box can be 40
degrees askew under a hat or for a tilted head; such a face needs four or five passes, most need three."""
SETTLED_SHIFT, SETTLED_TURN = 0.03, 0.03
"""A box that moved less than this fraction of its side and turned by fewer radians has settled."""


@cache
def _network(name: str) -> cv2.dnn.Net:
    data = resources.files(__package__).joinpath("models", name).read_bytes()
    return cv2.dnn.readNetFromTFLite(np.frombuffer(data, np.uint8))


@cache
def _anchors() -> np.ndarray:
    """Centres of the detector's 896 anchors in 0..1: two on a 16 x 16 grid, then six on an 8 x 8 grid."""
    centres = []
    for cells, repeats in ((16, 2), (8, 6)):
        axis = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(centres)


def load_networks() -> None:
    for name in ("face_detection_short_range.tflite", "face_landmark.tflite"):
        _network(name)


@dataclass(frozen=True, kw_only=True)
class FoundFaces:
    """Meshes: float64 `[468, 3]` in the picture's pixels, in MediaPipe's order; z towards the viewer is negative."""

    certain: list[np.ndarray]
    """Largest first; empty where no face is beyond doubt."""
    doubtful: np.ndarray | None
    """The best of what merely resembles a face: a drawing's, a creature's."""


def find_faces(picture: np.ndarray) -> FoundFaces:
    """Search an RGB picture from large squares to small ones, until faces are found."""
    shrink = min(1.0, SEARCH_SIZE / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else picture
    doubtful, best_belief = None, LEAST_BELIEF_IN_DOUBT
    certain: list[np.ndarray] = []
    for side_fraction in TILE_SIDES:
        had_faces = bool(certain)
        side = round(side_fraction * max(small.shape[:2]))
        for x, y in _tile_corners(small, side):
            for found in _detect(small, x, y, side):
                box = found / np.array([shrink, shrink, shrink, 1])
                if any(_is_in(box, face) for face in certain):
                    continue
                points, belief = _mesh_from_box(picture, box)
                if belief >= LEAST_BELIEF:
                    certain.append(points)
                elif belief >= best_belief:
                    doubtful, best_belief = points, belief
        if had_faces:
            break  # one size further than the first find, for neighbours that are a little smaller
    return FoundFaces(certain=_apart(certain), doubtful=None if certain else doubtful)


def mesh_size(points: np.ndarray) -> float:
    """Width plus height of a mesh's outline in pixels."""
    return float((points[:, :2].max(axis=0) - points[:, :2].min(axis=0)).sum())


def _apart(meshes: list[np.ndarray]) -> list[np.ndarray]:
    """Each face once, largest first: neighbouring squares show the same ones."""
    kept: list[np.ndarray] = []
    for points in sorted(meshes, key=mesh_size, reverse=True):
        if not any(_is_in(_box_around(points), other) for other in kept):
            kept.append(points)
    return kept


def _is_in(box: np.ndarray, face: np.ndarray) -> bool:
    """Whether a box has its centre in a face that was found already."""
    return float(np.hypot(*(box[:2] - _box_around(face)[:2]))) <= 0.25 * mesh_size(face)


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


def _detect(picture: np.ndarray, x: int, y: int, side: int) -> Iterator[np.ndarray]:
    """Faces in one square: `[centre x, centre y, side, angle]`, the angle of the eye line in radians."""
    scale = DETECTOR_SIZE / side
    transform = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
    tile = _sample(picture, transform, DETECTOR_SIZE)
    network = _network("face_detection_short_range.tflite")
    network.setInput(cv2.dnn.blobFromImage(tile, 1 / 127.5, None, (127.5, 127.5, 127.5)))
    # One output at a time: OpenCV 5 refuses two names here, and both versions accept one.
    logits = network.forward("classificators").reshape(-1).astype(np.float64)
    scores = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    candidates = np.flatnonzero(scores >= LEAST_DETECTION)
    if not len(candidates):
        return
    values = network.forward("regressors").reshape(-1, 8, 2).astype(np.float64) / DETECTOR_SIZE
    taken: list[np.ndarray] = []
    for candidate in candidates[np.argsort(-scores[candidates], kind="stable")]:
        centre, size = values[candidate, 0] + _anchors()[candidate], values[candidate, 1].max()
        if any(np.abs(centre - other).max() < size / 2 for other in taken):
            continue
        taken.append(centre)
        right_eye, left_eye = values[candidate, 2], values[candidate, 3]
        angle = np.arctan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
        yield np.array([x + centre[0] * side, y + centre[1] * side, size * side, angle])


def _mesh_from_box(picture: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, float]:
    """Points and the belief that they lie on a face: the lesser one of the last two passes, because a face keeps the
    network's belief and a chance likeness loses it; 0 where the points do not settle."""
    points, belief = _mesh(picture, box)
    for _ in range(MOST_PASSES - 1):
        before, belief_before = _box_around(points), belief
        points, belief = _mesh(picture, before)
        if max(belief_before, belief) < HOPELESS:
            break
        if _has_settled(before, _box_around(points)):
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
    crop = _sample(picture, np.column_stack([linear, offset]), MESH_SIZE)
    network = _network("face_landmark.tflite")
    network.setInput(cv2.dnn.blobFromImage(crop, 1 / 255))
    points = network.forward("conv2d_21").reshape(-1, 3).astype(np.float64)
    score = 1 / (1 + np.exp(-np.clip(float(network.forward("conv2d_31").reshape(-1)[0]), -50, 50)))
    flat = (points[:, :2] - offset) @ np.linalg.inv(linear).T
    return np.column_stack([flat, points[:, 2] / scale]), float(score)


def _box_around(points: np.ndarray) -> np.ndarray:
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    across = points[263, :2] - points[33, :2]
    return np.array([*(low + high) / 2, (high - low).max(), np.arctan2(across[1], across[0])])


def _sample(picture: np.ndarray, transform: np.ndarray, side: int) -> np.ndarray:
    """A `side` x `side` view of the picture through a 2 x 3 transform, free of aliasing when it shrinks."""
    scale = float(np.hypot(*transform[:, 0]))
    if scale < 0.5 and min(picture.shape[:2]) * scale >= 1:
        picture = cv2.resize(picture, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)
        transform = np.column_stack([transform[:, :2] / (2 * scale), transform[:, 2]])
    return cv2.warpAffine(picture, transform, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
