"""Views of a picture through coordinates: what the search, the contours and the animation all sample with."""

from __future__ import annotations

import cv2
import numpy as np


def sample(picture: np.ndarray, map_x: np.ndarray, map_y: np.ndarray) -> np.ndarray:
    """The picture at pixels `(map_x, map_y)`, float32 `[height, width]` each: cubic, edges repeated."""
    return cv2.remap(picture, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def square_view(picture: np.ndarray, transform: np.ndarray, side: int) -> np.ndarray:
    """A `side` x `side` view of the picture through a 2 x 3 transform, free of aliasing when it shrinks."""
    scale = float(np.hypot(*transform[:, 0]))
    if scale < 0.5 and min(picture.shape[:2]) * scale >= 1:
        picture = cv2.resize(picture, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)
        transform = np.column_stack([transform[:, :2] / (2 * scale), transform[:, 2]])
    return cv2.warpAffine(picture, transform, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
