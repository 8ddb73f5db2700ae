"""The face detector (BlazeFace): boxes around faces in one square of a picture."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np

from farm_engine.portrait.geometry import square_view
from farm_engine.portrait.network_files import DETECTOR_FILE, network

DETECTOR_SIZE = 128
LEAST_DETECTION = 0.5
"""Lower scores, 0..1, are not candidates for the mesh."""


def detect(picture: np.ndarray, *, x: int, y: int, side: int) -> Iterator[np.ndarray]:
    """Faces in the square of `side` pixels whose upper left corner is at `x`, `y`.

    Yields `[centre x, centre y, side, angle]` in the picture's pixels, the angle of the eye line in radians.
    """
    scale = DETECTOR_SIZE / side
    transform = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
    tile = square_view(picture, transform, DETECTOR_SIZE)
    detector = network(DETECTOR_FILE)
    detector.setInput(cv2.dnn.blobFromImage(tile, 1 / 127.5, None, (127.5, 127.5, 127.5)))
    # One output at a time: OpenCV 5 refuses two names here, and both versions accept one.
    logits = detector.forward("classificators").reshape(-1).astype(np.float64)
    scores = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    candidates = np.flatnonzero(scores >= LEAST_DETECTION)
    if not len(candidates):
        return
    values = detector.forward("regressors").reshape(-1, 8, 2).astype(np.float64) / DETECTOR_SIZE
    taken: list[np.ndarray] = []
    for candidate in candidates[np.argsort(-scores[candidates], kind="stable")]:
        centre, size = values[candidate, 0] + _anchors()[candidate], values[candidate, 1].max()
        if any(np.abs(centre - other).max() < size / 2 for other in taken):
            continue
        taken.append(centre)
        right_eye, left_eye = values[candidate, 2], values[candidate, 3]
        angle = np.arctan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
        yield np.array([x + centre[0] * side, y + centre[1] * side, size * side, angle])


@cache
def _anchors() -> np.ndarray:
    """Centres of the detector's 896 anchors in 0..1: two on a 16 x 16 grid, then six on an 8 x 8 grid."""
    centres = []
    for cells, repeats in ((16, 2), (8, 6)):
        axis = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(centres)
