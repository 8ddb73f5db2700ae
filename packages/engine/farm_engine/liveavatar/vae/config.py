"""Sizes and latent statistics of the Wan 2.1 video autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

FRAMES_PER_LATENT = 4
PIXELS_PER_LATENT = 8

LATENT_MEAN = (
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
    0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
)  # fmt: skip
LATENT_STANDARD_DEVIATION = (
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class VaeConfig:
    """Width of the network and where it halves the frame rate."""

    channels: int
    latent_channels: int = len(LATENT_MEAN)
    multiples: tuple[int, ...] = (1, 2, 4, 4)
    residual_units: int = 2
    temporal: tuple[bool, ...] = (False, True, True)


WAN_21 = VaeConfig(channels=96)
TINY = VaeConfig(channels=8)
