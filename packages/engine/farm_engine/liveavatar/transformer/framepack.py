"""Framepack (arXiv 2504.12626): 19 motion latents become 1.5 frames of tokens, coarser the older they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from farm_engine.liveavatar.transformer.config import ModelConfig


class FramePacker(nn.Module):
    """Three strided convolutions, for the newest latent frame, the two before it and the sixteen before those."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.proj = _patch(config, (1, 2, 2))
        self.proj_2x = _patch(config, (2, 4, 4))
        self.proj_4x = _patch(config, (4, 8, 8))

    def forward(self, motion: Tensor) -> Tensor:
        """motion [16, 19, H/8, W/8], oldest first -> tokens [1.5 * T, dim], newest bucket first."""
        oldest, middle, newest = motion.split([16, 2, 1], dim=1)
        buckets = [self.proj(newest), self.proj_2x(middle), self.proj_4x(oldest)]
        return torch.cat([tokens.flatten(1).T for tokens in buckets])


def _patch(config: ModelConfig, size: tuple[int, int, int]) -> nn.Conv3d:
    return nn.Conv3d(config.latent_channels, config.dim, kernel_size=size, stride=size)
