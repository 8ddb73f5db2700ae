"""Portraits of the benchmarks and samples, and pictures made from them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[4]
TEACHER = ROOT / "samples" / "portrait.jpg"
PORTRAITS = ROOT / "benchmarks" / "draft" / "portraits"


def placed_in(canvas_size: tuple[int, int], *placements: tuple[np.ndarray, float, int, int]) -> np.ndarray:
    """A grey canvas of `(height, width)` with pictures, each scaled and put at x, y."""
    canvas = np.full((*canvas_size, 3), 128, np.uint8)
    for picture, scale, x, y in placements:
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    return canvas
