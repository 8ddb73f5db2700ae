"""Rotary position factors over time, height and width.

A head's 64 pairs are split 22, 21, 21 between latent frame, row and column, with base 10,000 (Wan 2.x, RoFormer
arXiv 2104.09864). Factors are computed in double precision for any position and then rounded to half precision, as they
are where the published weights were trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from farm_engine.liveavatar.transformer.config import LATENTS_PER_BLOCK, Geometry

AXIS_DIMS = (44, 42, 42)
REFERENCE_POSITION = 30
"""Latent-frame position of the reference while the video is younger than it."""


class Rotary(NamedTuple):
    """Cosine and sine per token: two float32 tensors [tokens, 1, 64]."""

    cosine: Tensor
    sine: Tensor

    def to(self, device: torch.device) -> Rotary:
        return Rotary(self.cosine.to(device), self.sine.to(device))


def rotate(x: Tensor, rotary: Rotary) -> Tensor:
    """Rotates neighbouring pairs of `x` [tokens, heads, 128]; computed in float32, returned in the dtype of `x`."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = rotary
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1).flatten(-2).to(x.dtype)


def block_rotary(geometry: Geometry, position: int) -> Rotary:
    """Factors of one block of video tokens whose first latent frame is at `position` (>= 0)."""
    frames = range(position, position + LATENTS_PER_BLOCK)
    return _grid(frames, range(geometry.grid_height), range(geometry.grid_width))


def reference_rotary(geometry: Geometry, position: int, offset: int) -> Rotary:
    """Factors of the reference tokens for a block at `position`.

    Args:
        offset: 4 to 30; by how many latent frames the reference is ahead of the block once the block has passed
            latent frame `30 - offset`. Before that the reference stays at 30.
    """
    frame = REFERENCE_POSITION + max(0, position - (REFERENCE_POSITION - offset))
    return _grid([frame], range(geometry.grid_height), range(geometry.grid_width))


def motion_rotary(geometry: Geometry) -> Rotary:
    """Factors of the motion tokens, newest bucket first: 1 frame of tokens at full grid, 1 at half, 4 at quarter."""
    buckets = [
        _grid([-1], range(geometry.grid_height), range(geometry.grid_width)),
        _grid([-3], _spread(geometry.grid_height, 2), _spread(geometry.grid_width, 2)),
        _grid([-19, -14, -9, -4], _spread(geometry.grid_height, 4), _spread(geometry.grid_width, 4)),
    ]
    return Rotary(*(torch.cat(parts) for parts in zip(*buckets, strict=True)))


def _spread(size: int, stride: int) -> Sequence[int]:
    """`size / stride` positions spread over 0 to `size - 1` with both ends included."""
    return np.linspace(0, size - 1, size // stride).astype(int).tolist()


def _grid(frames: Sequence[int], rows: Sequence[int], columns: Sequence[int]) -> Rotary:
    shape = (len(frames), len(rows), len(columns), -1)
    angles = torch.cat(
        [
            _angles(frames, AXIS_DIMS[0])[:, None, None].expand(shape),
            _angles(rows, AXIS_DIMS[1])[None, :, None].expand(shape),
            _angles(columns, AXIS_DIMS[2])[None, None, :].expand(shape),
        ],
        dim=-1,
    ).flatten(0, 2)
    return Rotary(*(part.half().float().unsqueeze(1) for part in (angles.cos(), angles.sin())))


def _angles(positions: Sequence[int], axis_dim: int) -> Tensor:
    frequencies = 1.0 / torch.pow(10000, torch.arange(0, axis_dim, 2, dtype=torch.float64) / axis_dim)
    return torch.outer(torch.tensor(list(positions), dtype=torch.float64), frequencies)
