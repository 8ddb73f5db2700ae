"""The tone of a picture: colours, or the single one of a black and white or sepia print."""

from __future__ import annotations

import cv2
import numpy as np

from farm_engine.draft.geometry import smooth_step

COLOURFUL = 2.0, 5.0
"""Root mean square of a picture's Lab hues apart from its tone: certainly a print in one tone, and surely a picture in
colours."""
TONED_ABOVE = 40
"""Darker than this (8-bit Lab), the hues of a JPEG are noise."""


def as_shown_in(frame: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A colour (RGB) as the frame would show it: where all that is seen has one hue, in a black and white photograph or
    a sepia one, so has the mouth."""
    lab = cv2.cvtColor(frame[::4, ::4], cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    lightness, hues = lab[:, 0], lab[:, 1:] - 128
    toned = lightness > TONED_ABOVE
    if not toned.any():
        return colour
    # A print's tone depends on the lightness alone; what is left is colour.
    slope = (lightness[toned, None] * hues[toned]).sum(axis=0) / (lightness[toned] ** 2).sum()
    left = float(np.sqrt(((hues[toned] - lightness[toned, None] * slope) ** 2).sum(axis=1).mean()))
    share = np.float32(round(float(smooth_step(np.float32(left), *COLOURFUL)), 2))
    tone = frame[::4, ::4].reshape(-1, 3)[toned].astype(np.float64).mean(axis=0)
    grey = np.round(tone / tone.mean() * float(colour.mean())).astype(np.float32)
    return grey + share * (colour - grey)
