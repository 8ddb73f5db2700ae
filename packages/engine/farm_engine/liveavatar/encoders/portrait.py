"""The portrait, from a file to pixels that the autoencoder takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from farm_engine.host.errors import EngineError


def read_portrait(path: Path, *, width: int, height: int) -> Tensor:
    """Pixels [3, height, width] in -1..1: the picture scaled to cover the frame, then cut around its centre.

    The original scales the shorter side only and pads with black where the shapes differ; covering leaves no bars. The
    camera's orientation mark is obeyed. Raises EngineError `bad-portrait` when the file is no picture.
    """
    try:
        with Image.open(path) as picture:
            picture = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise EngineError(
            "bad-portrait",
            f"The portrait {path} could not be read as a picture ({error}). Send a whole PNG, JPEG or WebP file.",
            retriable="never",
        ) from error
    fitted = ImageOps.fit(picture, (width, height), method=Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(fitted, dtype=np.float32))
    return pixels.permute(2, 0, 1) / 127.5 - 1.0
