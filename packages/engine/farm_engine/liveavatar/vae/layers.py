"""Layers of the Wan 2.1 video autoencoder, each causal in time and fed through a `History`.

All tensors are [1, C, T, H, W]. The names of the submodules are the names in the published `Wan2.1_VAE.pth`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farm_engine.liveavatar.vae.history import History


class CausalConv3d(nn.Conv3d):
    """A 3-D convolution that sees only the present and past frames."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int | tuple[int, int, int], **options) -> None:
        kernel = (kernel,) * 3 if isinstance(kernel, int) else kernel
        padding = (0, kernel[1] // 2, kernel[2] // 2)
        super().__init__(in_channels, out_channels, kernel, padding=padding, **options)

    def forward(self, frames: Tensor, history: History) -> Tensor:
        past = self.kernel_size[0] - 1
        if past:
            frames = history.prepend(self, frames, count=past)
        return super().forward(frames) if frames.is_cuda else self._by_taps(frames)

    def _by_taps(self, frames: Tensor) -> Tensor:
        """The same as a sum of 2-D convolutions, one for each step back in time.

        Measured for the tiny model on a CPU: 2 to 5 times as fast; at full size on an H200: 0.164 s per block at
        704x384 instead of 0.139 s.
        """
        images = to_images(frames).contiguous()
        count = images.shape[0] - self.kernel_size[0] + 1
        result = F.conv2d(images[:count], self.weight[:, :, 0], self.bias, padding=self.padding[1:])
        for tap in range(1, self.kernel_size[0]):
            result += F.conv2d(images[tap : tap + count], self.weight[:, :, tap], padding=self.padding[1:])
        return to_frames(result)


class ChannelNorm(nn.Module):
    """Divide every position by the root mean square of its channels, then scale each channel by `gamma`.

    Squares are summed in float32 whatever the dtype of the frames. (`vector_norm` is 40 times slower on a CPU.)
    """

    def __init__(self, channels: int, *, trailing: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels, *(1,) * trailing))

    def forward(self, frames: Tensor) -> Tensor:
        norm = frames.square().sum(dim=1, keepdim=True, dtype=torch.float32).sqrt().clamp_min(1e-12)
        norm = norm + (norm - norm)  # NaN where squares overflow: dividing by infinity would make a sound zero of them
        return frames * (frames.shape[1] ** 0.5 / norm).to(frames.dtype) * self.gamma


class ResidualUnit(nn.Module):
    """Two convolutions, and a shortcut around them."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        # Index 5 is a dropout in training; it is kept so that the indices are those of the published names.
        self.residual = nn.Sequential(
            ChannelNorm(in_channels, trailing=3),
            nn.SiLU(),
            CausalConv3d(in_channels, out_channels, 3),
            ChannelNorm(out_channels, trailing=3),
            nn.SiLU(),
            nn.Identity(),
            CausalConv3d(out_channels, out_channels, 3),
        )
        self.shortcut = CausalConv3d(in_channels, out_channels, 1) if in_channels != out_channels else None

    def forward(self, frames: Tensor, history: History) -> Tensor:
        return run(self.residual, frames, history) + (self.shortcut(frames, history) if self.shortcut else frames)


class FrameAttention(nn.Module):
    """Single-head self-attention among the positions of each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels, trailing=2)
        self.to_qkv = nn.Conv2d(channels, channels * 3, 1)
        self.proj = nn.Conv2d(channels, channels, 1)

    def forward(self, frames: Tensor, history: History) -> Tensor:
        images = to_images(frames)
        count, channels, height, width = images.shape
        qkv = self.to_qkv(self.norm(images)).reshape(count, 1, channels * 3, height * width).transpose(2, 3)
        attended = F.scaled_dot_product_attention(*qkv.chunk(3, dim=-1))
        images = self.proj(attended.squeeze(1).transpose(1, 2).reshape(count, channels, height, width))
        return frames + to_frames(images)


class Downsample(nn.Module):
    """Halve height and width, and with `temporal` the frame rate; the very first frame of a stream stays alone."""

    def __init__(self, channels: int, *, temporal: bool) -> None:
        super().__init__()
        self.resample = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(channels, channels, 3, stride=2))
        if temporal:
            self.time_conv = nn.Conv3d(channels, channels, (3, 1, 1), stride=(2, 1, 1))
        self.temporal = temporal

    def forward(self, frames: Tensor, history: History) -> Tensor:
        frames = to_frames(self.resample(to_images(frames)))
        if not self.temporal:
            return frames
        if self in history:
            return self.time_conv(history.prepend(self, frames, count=1))
        history.remember(self, frames[:, :, -1:])
        if frames.shape[2] == 1:
            return frames
        return torch.cat([frames[:, :, :1], self.time_conv(frames)], dim=2)


class Upsample(nn.Module):
    """Double height and width, and with `temporal` the frame rate; the very first frame of a stream stays single."""

    def __init__(self, channels: int, *, temporal: bool) -> None:
        super().__init__()
        self.resample = nn.Sequential(
            nn.Upsample(scale_factor=2.0, mode="nearest-exact"), nn.Conv2d(channels, channels // 2, 3, padding=1)
        )
        if temporal:
            self.time_conv = CausalConv3d(channels, channels * 2, (3, 1, 1))
        self.temporal = temporal

    def forward(self, frames: Tensor, history: History) -> Tensor:
        if self.temporal:
            frames = self._double_frames(frames, history)
        return to_frames(self.resample(to_images(frames)))

    def _double_frames(self, frames: Tensor, history: History) -> Tensor:
        if self in history:
            return self._interleave(self.time_conv(frames, history))
        # The first frame is also hidden from the temporal convolution's history, which starts with zeros after it.
        history.remember(self, frames[:, :, :0])
        first, rest = frames[:, :, :1], frames[:, :, 1:]
        return torch.cat([first, self._interleave(self.time_conv(rest, history))], dim=2) if rest.shape[2] else first

    @staticmethod
    def _interleave(frames: Tensor) -> Tensor:
        batch, channels, count, height, width = frames.shape
        pairs = frames.reshape(batch, 2, channels // 2, count, height, width)
        return pairs.permute(0, 2, 3, 1, 4, 5).reshape(batch, channels // 2, count * 2, height, width)


def run(layers: nn.Sequential, frames: Tensor, history: History) -> Tensor:
    """Call layers in order, passing the history to those that accept it."""
    for layer in layers:
        frames = layer(frames) if isinstance(layer, nn.SiLU | nn.Identity | ChannelNorm) else layer(frames, history)
    return frames


def to_images(frames: Tensor) -> Tensor:
    """[1, C, T, H, W] to [T, C, H, W]."""
    return frames.squeeze(0).transpose(0, 1)


def to_frames(images: Tensor) -> Tensor:
    """[T, C, H, W] to [1, C, T, H, W]."""
    return images.transpose(0, 1).unsqueeze(0)
