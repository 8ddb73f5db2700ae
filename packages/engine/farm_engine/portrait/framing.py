"""Reading a portrait and cutting it to the size of the video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from farm_engine.protocol import EngineError
from farm_engine.protocol.host_memory import out_of_host_memory
from farm_engine.protocol.input_file import read_input

FACE_HEIGHT_IN_FRAME = 0.42
"""Where the face's centre is put vertically when the crop has a choice, as a fraction of the frame."""
SMALLEST_SIDE = 16
LARGEST_SIDE = 3072
"""A larger picture is shrunk to this first: it would show no more and cost seconds."""
JPEG_START, PNG_START = b"\xff\xd8", b"\x89PNG"
PNG_TYPES_WITH_ALPHA = (4, 6)
BACKDROP = (224, 224, 224)
"""What shows through a transparent portrait."""


def read_portrait(path: Path) -> np.ndarray:
    """The picture as uint8 `[height, width, 3]` RGB, turned upright. Raises EngineError `bad-portrait`,
    `input-unreadable` or `out-of-host-memory`."""
    data = read_input(path, "portrait", lambda reason: _bad_portrait(path, reason))
    picture = _decoded(path, np.frombuffer(data, np.uint8))
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise _bad_portrait(path, f"it has {width} x {height} pixels, at least {SMALLEST_SIDE} are needed on each side")
    if max(height, width) > LARGEST_SIDE:
        shrink = LARGEST_SIDE / max(height, width)
        size = max(round(width * shrink), SMALLEST_SIDE), max(round(height * shrink), SMALLEST_SIDE)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return picture


def _decoded(path: Path, data: np.ndarray) -> np.ndarray:
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
        with_alpha = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if _may_be_transparent(data) else picture
    except cv2.error as error:
        if out_of_host_memory(error):
            raise
        raise _bad_portrait(path, str(error)) from error
    if picture is None or with_alpha is None:
        raise _bad_portrait(path, "it is not a picture that OpenCV can decode")
    if with_alpha.ndim == 3 and with_alpha.shape[2] == 4 and with_alpha.shape[:2] == picture.shape[:2]:
        return _over_backdrop(with_alpha)
    return picture


def _may_be_transparent(data: np.ndarray) -> bool:
    """From the first bytes, because decoding a large picture twice would take seconds."""
    start = data[:26].tobytes()
    if start.startswith(PNG_START) and len(start) == 26:
        return start[25] in PNG_TYPES_WITH_ALPHA
    return bool(start) and not start.startswith(JPEG_START)


def _over_backdrop(picture: np.ndarray) -> np.ndarray:
    if picture.dtype != np.uint8:
        picture = (picture >> 8).astype(np.uint8)
    colour = picture[:, :, 2::-1].astype(np.uint32)
    alpha = picture[:, :, 3:].astype(np.uint32)
    return ((colour * alpha + np.uint32(BACKDROP) * (255 - alpha) + 127) // 255).astype(np.uint8)


def _bad_portrait(path: Path, what: str) -> EngineError:
    return EngineError(
        "bad-portrait",
        f"Portrait {path}: {what}. Submit a JPEG, PNG or WebP picture.",
        retriable="never",
    )


@dataclass(frozen=True, kw_only=True)
class Framing:
    """The part of a portrait that fills the frame; nothing is stretched. A portrait point p lands on
    `(p - (left, top)) * scale`."""

    scale: float
    left: float
    top: float
    width: int
    height: int

    def place(self, points: np.ndarray) -> np.ndarray:
        """Portrait pixels `[..., 2]` to frame pixels."""
        return (points - np.array([self.left, self.top])) * self.scale

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """The frame, uint8 `[height, width, 3]`."""
        left, top = round(self.left), round(self.top)
        part = picture[top : top + round(self.height / self.scale), left : left + round(self.width / self.scale)]
        enlarging = self.scale > 1
        method = cv2.INTER_CUBIC if enlarging else cv2.INTER_AREA
        return cv2.resize(part, (self.width, self.height), interpolation=method)


def frame_portrait(
    picture_size: tuple[int, int], *, width: int, height: int, face_centre: np.ndarray | None
) -> Framing:
    """Cover a `width` x `height` frame with a picture of `(height, width)` pixels, around its face if it has one.

    `face_centre`: `[x, y]` in the picture's pixels.
    """
    picture_height, picture_width = picture_size
    scale = max(width / picture_width, height / picture_height)
    spare_width = picture_width - round(width / scale)
    spare_height = picture_height - round(height / scale)
    if face_centre is None:
        left, top = spare_width / 2, spare_height / 2
    else:
        left = face_centre[0] - width / scale / 2
        top = face_centre[1] - FACE_HEIGHT_IN_FRAME * height / scale
    return Framing(
        scale=scale,
        left=float(round(min(max(left, 0), spare_width))),
        top=float(round(min(max(top, 0), spare_height))),
        width=width,
        height=height,
    )
