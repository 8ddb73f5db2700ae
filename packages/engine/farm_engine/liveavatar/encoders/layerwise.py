"""Compute with a model that stays in host memory: each layer visits the device for its own pass only."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


def compute_layer_by_layer(layers: Iterable[nn.Module], device: torch.device) -> None:
    """Let each of `layers` borrow `device` whenever it is called.

    The encoder of umt5-xxl has 11 GB, is needed once for each prompt, and would not fit beside the transformer.
    """
    for layer in layers:
        visit = _Visit(layer, device)
        layer.register_forward_pre_hook(visit.begin)
        layer.register_forward_hook(visit.end)


class _Visit:
    def __init__(self, layer: nn.Module, device: torch.device) -> None:
        self._at_home = {parameter: parameter.data for parameter in layer.parameters()}
        self._device = device

    def begin(self, *_: object) -> None:
        for parameter, weight in self._at_home.items():
            parameter.data = weight.to(self._device, non_blocking=True)

    def end(self, *_: object) -> None:
        for parameter, weight in self._at_home.items():
            parameter.data = weight
