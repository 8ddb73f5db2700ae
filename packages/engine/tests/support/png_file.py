"""Writing a PNG byte by byte, as its specification (ISO/IEC 15948) says: an order of colours that no library chose."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

_COLOUR_TYPES = {3: 2, 4: 6}


def write_png(path: Path, pixels: np.ndarray) -> None:
    """`pixels`: uint8 [height, width, 3 or 4], red first, top row first."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def lopsided_picture(*, width: int, height: int) -> np.ndarray:
    """uint8 [height, width, 3], smooth, with black and white in it: no two of its channels, rows or columns are alike,
    and neither a turn, a reflection nor the negative gives the same picture."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    picture = np.stack([x, y * (1 - x / 2), (1 - y) * x**2], axis=-1) * 255
    picture[0, 0], picture[0, 1] = 0, 255
    return picture.round().astype(np.uint8)
