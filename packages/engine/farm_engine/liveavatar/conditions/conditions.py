"""What a video is made from besides speech."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from farm_engine.liveavatar.transformer.config import MOTION_LATENTS, Geometry, ModelConfig


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a video is made from besides speech.

    Attributes:
        reference: the portrait's latent [16, 1, H/8, W/8].
        motion: latents of the portrait held still for 73 frames [16, 19, H/8, W/8].
        text: the prompt's embedding [L, text_dim], L <= text_len, without padding.
        anchor: the first generated latent frame [16, 1, H/8, W/8]; set by the rollout, used from the second clip on.
    """

    reference: Tensor
    motion: Tensor
    text: Tensor
    anchor: Tensor | None = None

    def cast(self, dtype: torch.dtype) -> Conditions:
        """In the model's dtype, which is how they are used: a border state then stores no more than that."""
        anchor = None if self.anchor is None else self.anchor.to(dtype)
        return Conditions(
            reference=self.reference.to(dtype), motion=self.motion.to(dtype), text=self.text.to(dtype), anchor=anchor
        )

    def reference_of(self, clip: int) -> Tensor:
        return self.reference if clip == 0 or self.anchor is None else self.anchor

    def check(self, config: ModelConfig, geometry: Geometry) -> None:
        """Raises ValueError for a tensor whose shape does not fit."""
        plane = (geometry.latent_height, geometry.latent_width)
        expected = {"reference": (16, 1, *plane), "motion": (16, MOTION_LATENTS, *plane)}
        for name, shape in expected.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise ValueError(f"{name} latents have shape {found}; {geometry.width}x{geometry.height} needs {shape}")
        length, width = self.text.shape
        if width != config.text_dim or not 1 <= length <= config.text_len:
            raise ValueError(
                f"text embedding has shape {(length, width)}; "
                f"needs 1 to {config.text_len} tokens of {config.text_dim}: shorten the prompt"
            )
