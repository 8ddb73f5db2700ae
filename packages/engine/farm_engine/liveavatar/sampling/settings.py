"""What a caller chooses for one video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from farm_engine.liveavatar.sampling.schedule import SUPPORTED_STEPS
from farm_engine.liveavatar.transformer.config import Geometry


@dataclass(frozen=True, kw_only=True)
class RolloutSettings:
    """Settings of one rollout, that is of one video.

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
