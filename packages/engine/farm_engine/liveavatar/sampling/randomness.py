"""Everything random in a video, from its seed alone.

Noise is drawn on the CPU: generators of different GPU models may differ, and a farm mixes them.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

import torch
from torch import Tensor

from farm_engine.liveavatar.transformer.config import LATENTS_PER_CLIP, Geometry

MIN_REFERENCE_OFFSET, MAX_REFERENCE_OFFSET = 4, 30


class Randomness(Protocol):
    """What a rollout draws. Places are counted from 0: clip in the video, block in the clip, step in the block."""

    def noise(self, clip: int, geometry: Geometry) -> Tensor: ...

    def reference_offset(self, clip: int, block: int, step: int) -> int: ...


class SeededRandomness:
    """Draws are addressed by (seed, place), never by the order of calls, so a clip can be repeated on its own.

    A clip's seed is a hash: videos with neighbouring seeds share no noise.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def noise(self, clip: int, geometry: Geometry) -> Tensor:
        """Standard normal [16, 12, H/8, W/8], float32 on the CPU."""
        generator = torch.Generator("cpu").manual_seed(self._hash("noise", clip))
        shape = (16, LATENTS_PER_CLIP, geometry.latent_height, geometry.latent_width)
        return torch.randn(shape, generator=generator, dtype=torch.float32)

    def reference_offset(self, clip: int, block: int, step: int) -> int:
        """Latent frames by which the reference is ahead in one forward pass: 4 to 30, uniform, as published."""
        span = MAX_REFERENCE_OFFSET - MIN_REFERENCE_OFFSET + 1
        return MIN_REFERENCE_OFFSET + self._hash("reference-offset", clip, block, step) % span

    def _hash(self, *place: object) -> int:
        text = "/".join(str(part) for part in (self.seed, *place))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
