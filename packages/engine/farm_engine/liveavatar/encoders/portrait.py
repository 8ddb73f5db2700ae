"""The portrait, from a file to pixels that the autoencoder takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from farm_engine.draft.face_mesh import find_face_mesh
from farm_engine.draft.portrait import frame_portrait, read_portrait


@dataclass(frozen=True, kw_only=True)
class FramedPortrait:
    """`pixels` [3, height, width] in -1..1; `has_face` tells whether a face was found to frame."""

    pixels: Tensor
    has_face: bool


def open_portrait(path: Path, *, width: int, height: int) -> FramedPortrait:
    """The picture scaled to cover the frame and cut around its face, exactly as the draft engine frames it.

    The original scales the shorter side and pads with black where the shapes differ; covering leaves no bars. Raises
    EngineError `bad-portrait`.
    """
    picture = read_portrait(path)
    mesh = find_face_mesh(picture)
    face_centre = None if mesh is None else mesh[:, :2].mean(axis=0)
    framing = frame_portrait(picture.shape[:2], width=width, height=height, face_centre=face_centre)
    pixels = torch.from_numpy(framing.cut(picture)).permute(2, 0, 1)
    return FramedPortrait(pixels=pixels / 127.5 - 1.0, has_face=mesh is not None)
