"""A caption on frames made with random weights, so that nobody takes them for the model's work."""

from __future__ import annotations

import cv2
import numpy as np

TEXT = "RANDOM WEIGHTS"


def watermark_random_weights(frames: np.ndarray) -> np.ndarray:
    """The frames uint8 [count, H, W, 3] with a caption along their lower edge."""
    marked = frames.copy()
    height, width = frames.shape[1:3]
    band = max(16, height // 10)
    scale = min(band / 40, width / 320)
    for frame in marked:
        frame[height - band :] //= 4
        origin = (band // 3, height - band // 3)
        cv2.putText(frame, TEXT, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return marked
