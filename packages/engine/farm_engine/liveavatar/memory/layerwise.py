"""Computing with layers that stay in host memory: each is copied to the device for its own pass only."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from farm_engine.liveavatar.memory.host_copy import pinned_empty


def compute_layer_by_layer(layers: Iterable[nn.Module], device: torch.device) -> None:
    """Copy each of `layers` to `device` whenever it is called, and drop the copy afterwards.

    For layers that are needed once per video: the encoder of umt5-xxl (11 GB), the transformer's projections of the
    text (4 GB). Call this once their weights are loaded.
    """
    for layer in layers:
        copy = _TemporaryCopy(layer, device)
        layer.register_forward_pre_hook(copy.create)
        layer.register_forward_hook(copy.drop, always_call=True)


def in_host_memory(weight: Tensor) -> Tensor:
    """A page-locked copy in host memory of a weight on a GPU: it can be copied back at the full speed of the bus.

    Raises PinningFailedError.
    """
    return pinned_empty(weight.shape, weight.dtype).copy_(weight)


class _TemporaryCopy:
    def __init__(self, layer: nn.Module, device: torch.device) -> None:
        self._device = device
        self._on_host = [
            (owner, name, parameter)
            for owner in layer.modules()
            for name, parameter in owner.named_parameters(recurse=False)
        ]

    def create(self, *_: object) -> None:
        for owner, name, parameter in self._on_host:
            setattr(owner, name, nn.Parameter(parameter.to(self._device, non_blocking=True), requires_grad=False))

    def drop(self, *_: object) -> None:
        for owner, name, parameter in self._on_host:
            setattr(owner, name, parameter)
