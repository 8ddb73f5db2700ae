"""Inputs that the recorder of the golden figures and the tests build alike, from seeds."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.transformer.config import FRAMES_PER_BLOCK, FRAMES_PER_CLIP, MOTION_LATENTS, TINY, Geometry

GEOMETRY = Geometry(width=128, height=64)
FORWARD_BLOCKS = 12
STEPS = 4
CLIPS = 2
NOISE_SEED = 420


def normal(name: str, *shape: int) -> Tensor:
    """Standard normal float32, from the name alone."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def conditions(geometry: Geometry = GEOMETRY) -> Conditions:
    plane = (geometry.latent_height, geometry.latent_width)
    return Conditions(
        reference=normal("reference", 16, 1, *plane),
        motion=normal("motion", 16, MOTION_LATENTS, *plane),
        text=normal("text", 9, TINY.text_dim),
    )


def forward_latents(block: int, step: int) -> Tensor:
    return normal(f"latents/{block}/{step}", 16, 3, GEOMETRY.latent_height, GEOMETRY.latent_width)


def block_audio(block: int) -> Tensor:
    return normal(f"block-audio/{block}", TINY.audio_layers, TINY.audio_dim, FRAMES_PER_BLOCK)


def clip_audio(clip: int) -> Tensor:
    return normal(f"clip-audio/{clip}", TINY.audio_layers, TINY.audio_dim, FRAMES_PER_CLIP)


class FixedRandomness:
    """Noise as the published pipeline draws it, with a reference offset that both sides can name."""

    def noise(self, clip: int, geometry: Geometry) -> Tensor:
        generator = torch.Generator("cpu").manual_seed(NOISE_SEED + clip)
        return torch.randn(16, 12, geometry.latent_height, geometry.latent_width, generator=generator)

    def reference_offset(self, clip: int, block: int, step: int) -> int:
        return 4 + (7 * (4 * clip + block) + 5 * step) % 27
