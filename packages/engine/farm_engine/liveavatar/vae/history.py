"""What a causal network must remember between two calls: the last input frames of each of its temporal layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class History:
    """The past of one stream of frames. A new stream starts with an empty history, which stands for zeros."""

    def __init__(self) -> None:
        self._past: dict[nn.Module, Tensor] = {}

    def __contains__(self, layer: nn.Module) -> bool:
        return layer in self._past

    def remember(self, layer: nn.Module, frames: Tensor) -> None:
        # A copy: a slice would keep the whole input alive.
        self._past[layer] = frames.clone()

    def prepend(self, layer: nn.Module, frames: Tensor, *, count: int) -> Tensor:
        """Put the `count` frames that came before in front of `frames` [1, C, T, H, W]; remember the last `count`."""
        past = self._past.get(layer)
        if past is None:
            past = frames.new_zeros(frames.shape[0], frames.shape[1], count, *frames.shape[3:])
        joined = torch.cat([past, frames], dim=2)
        self.remember(layer, joined[:, :, -count:])
        return joined

    def byte_count(self) -> int:
        """Bytes that this history occupies."""
        return sum(frames.nbytes for frames in self._past.values())
