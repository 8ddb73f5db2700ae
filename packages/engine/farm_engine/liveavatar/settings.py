"""What a caller chooses and hands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from farm_engine.liveavatar.config import MOTION_LATENTS, Geometry, ModelConfig
from farm_engine.liveavatar.schedule import SUPPORTED_STEPS


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one video.

    Attributes:
        width, height: pixels, multiples of 64.
        seed: the source of all randomness.
        steps: denoising steps, 3 to 6; each keeps its own rings, so memory grows with it.
        anchor: the reference after the first clip: its first generated latent frame, or the portrait still.
        history_clips: how many clips a border state records; a rebuild replays them.
        guidance: only 0; the weights are distilled without classifier-free guidance.
    """

    width: int
    height: int
    seed: int
    steps: int = 4
    anchor: Literal["first-latent", "portrait"] = "first-latent"
    history_clips: int = 2
    guidance: float = 0.0

    def __post_init__(self) -> None:
        Geometry(width=self.width, height=self.height)
        if self.steps not in SUPPORTED_STEPS:
            raise ValueError(
                f"steps {self.steps} is not one of {SUPPORTED_STEPS}: use 4, for which the weights are distilled"
            )
        if self.anchor not in ("first-latent", "portrait"):
            raise ValueError(f"anchor {self.anchor!r} is neither 'first-latent' nor 'portrait'")
        if self.history_clips < 1:
            raise ValueError(
                f"history_clips {self.history_clips} is less than 1: a border state needs at least the last clip"
            )
        if self.guidance:
            raise ValueError(
                f"guidance {self.guidance} would have no effect: the distilled model denoises without it; use 0"
            )


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
