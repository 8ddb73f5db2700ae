"""The noise schedule and the Euler step of flow matching (arXiv 2210.02747, 2403.03206)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

SHIFT = 3.0
TRAIN_TIMESTEPS = 1000
SUPPORTED_STEPS = (3, 4, 5, 6)


def _shift(sigma: np.ndarray | float) -> np.ndarray | float:
    return SHIFT * sigma / (1 + (SHIFT - 1) * sigma)


@dataclass(frozen=True)
class Schedule:
    """`sigmas` has one value per step and a final 0; sigma is the share of noise in a step's input, 1 to 0.

    The shift is applied twice, to the smallest training sigma and to the spaced values, so the last of four steps
    starts at 0.0089: the published pipeline samples so.
    """

    sigmas: tuple[float, ...]

    @classmethod
    def of(cls, steps: int) -> Schedule:
        """The schedule of 3 to 6 steps. Raises ValueError for another number."""
        if steps not in SUPPORTED_STEPS:
            raise ValueError(
                f"steps {steps} is not supported: choose one of {SUPPORTED_STEPS}; the weights are distilled for 4"
            )
        last = np.float32(_shift(np.float32(1 / TRAIN_TIMESTEPS)))
        sigmas = _shift(np.linspace(1.0, float(last), steps)).astype(np.float32)
        return cls((*(float(sigma) for sigma in sigmas), 0.0))

    @property
    def steps(self) -> int:
        return len(self.sigmas) - 1

    @property
    def timesteps(self) -> tuple[float, ...]:
        """One per step, 1000 (noise) to 0 (clean)."""
        return tuple(float(np.float32(sigma) * np.float32(TRAIN_TIMESTEPS)) for sigma in self.sigmas[:-1])

    def advance(self, latents: Tensor, velocity: Tensor, step: int) -> Tensor:
        """One Euler step along `velocity`, computed in float32, returned in the dtype of `velocity`."""
        distance = float(np.float32(self.sigmas[step + 1]) - np.float32(self.sigmas[step]))
        return (latents.float() + distance * velocity.float()).to(velocity.dtype)
