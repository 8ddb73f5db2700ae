"""The portrait, from a file to the pixels that the autoencoder encodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from farm_engine.portrait.contours import fit_to_picture
from farm_engine.portrait.face import face_from_mesh
from farm_engine.portrait.face_search import find_faces
from farm_engine.portrait.framing import frame_portrait, read_portrait


@dataclass(frozen=True, kw_only=True)
class FramedPortrait:
    """`pixels` [3, height, width] in -1..1; `has_face` tells whether a face was found to frame."""

    pixels: Tensor
    has_face: bool


def open_portrait(path: Path, *, width: int, height: int) -> FramedPortrait:
    """The picture scaled to cover the frame and cut around its face, with the same framing as in the draft engine.

    The original scales the shorter side and pads with black where the shapes differ; covering leaves no bars. Raises
    EngineError `bad-portrait`.
    """
    picture = read_portrait(path)
    face_centre = _face_centre(picture)
    framing = frame_portrait(picture.shape[:2], width=width, height=height, face_centre=face_centre)
    pixels = torch.from_numpy(framing.cut(picture)).permute(2, 0, 1)
    return FramedPortrait(pixels=pixels / 127.5 - 1.0, has_face=face_centre is not None)


def _face_centre(picture: np.ndarray) -> np.ndarray | None:
    """The centre of the largest face, in the picture's pixels; None where there is no face."""
    found = find_faces(picture)
    if found.certain:
        return fit_to_picture(picture, face_from_mesh(found.certain[0][:, :2])).centre
    return None if found.doubtful is None else face_from_mesh(found.doubtful[:, :2]).centre
