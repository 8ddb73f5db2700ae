"""The encoder and the decoder network of the Wan 2.1 video autoencoder."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from farm_engine.liveavatar.vae.config import VaeConfig
from farm_engine.liveavatar.vae.history import History
from farm_engine.liveavatar.vae.layers import (
    CausalConv3d,
    ChannelNorm,
    Downsample,
    FrameAttention,
    ResidualUnit,
    Upsample,
    run,
)


def _middle(channels: int) -> nn.Sequential:
    return nn.Sequential(ResidualUnit(channels, channels), FrameAttention(channels), ResidualUnit(channels, channels))


def _head(channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(ChannelNorm(channels, trailing=3), nn.SiLU(), CausalConv3d(channels, out_channels, 3))


class Encoder(nn.Module):
    """Frames [1, 3, T, H, W] to moments [1, 2 * latent_channels, T', H/8, W/8]."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths = [config.channels * multiple for multiple in (1, *config.multiples)]
        self.conv1 = CausalConv3d(3, widths[0], 3)
        self.downsamples = nn.Sequential()
        for level, (width, next_width) in enumerate(pairwise(widths)):
            for unit in range(config.residual_units):
                self.downsamples.append(ResidualUnit(width if unit == 0 else next_width, next_width))
            if level < len(config.temporal):
                self.downsamples.append(Downsample(next_width, temporal=config.temporal[level]))
        self.middle = _middle(widths[-1])
        self.head = _head(widths[-1], 2 * config.latent_channels)

    def forward(self, frames: Tensor, history: History) -> Tensor:
        frames = self.conv1(frames, history)
        for layers in (self.downsamples, self.middle, self.head):
            frames = run(layers, frames, history)
        return frames


class Decoder(nn.Module):
    """Latents [1, latent_channels, T', H/8, W/8] to frames [1, 3, T, H, W]."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths = [config.channels * multiple for multiple in (config.multiples[-1], *reversed(config.multiples))]
        temporal = tuple(reversed(config.temporal))
        self.conv1 = CausalConv3d(config.latent_channels, widths[0], 3)
        self.middle = _middle(widths[0])
        self.upsamples = nn.Sequential()
        for level, (width, next_width) in enumerate(pairwise(widths)):
            width = width if level == 0 else width // 2  # every upsampling halves the channels
            for unit in range(config.residual_units + 1):
                self.upsamples.append(ResidualUnit(width if unit == 0 else next_width, next_width))
            if level < len(temporal):
                self.upsamples.append(Upsample(next_width, temporal=temporal[level]))
        self.head = _head(widths[-1], 3)

    def forward(self, latents: Tensor, history: History) -> Tensor:
        frames = self.conv1(latents, history)
        for layers in (self.middle, self.upsamples, self.head):
            frames = run(layers, frames, history)
        return frames
