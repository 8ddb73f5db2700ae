"""Layers that stay in host memory. The meta device stands for the GPU: it has shapes and devices, and no values."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from farm_engine.liveavatar.memory.layerwise import compute_layer_by_layer

META = torch.device("meta")


class Watched(nn.Linear):
    """Notes where its weight is while it computes; fails for an input of the wrong width."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = self.weight.device
        return super().forward(x)


@pytest.fixture
def layers() -> nn.Sequential:
    return nn.Sequential(Watched(4, 6), Watched(6, 2)).requires_grad_(False)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_each_layer_is_on_the_device_for_its_own_pass_only(layers, mode):
    compute_layer_by_layer(layers, META)
    homes = [parameter.data_ptr() for parameter in layers.parameters()]
    with mode():
        assert layers(torch.empty(3, 4, device=META)).device == META
    assert [layer.seen for layer in layers] == [META, META]
    assert {parameter.device.type for parameter in layers.parameters()} == {"cpu"}
    assert [parameter.data_ptr() for parameter in layers.parameters()] == homes  # the very tensors, no copies


def test_a_layer_returns_to_host_memory_when_its_pass_fails(layers):
    compute_layer_by_layer(layers, META)
    with pytest.raises(RuntimeError):
        layers(torch.empty(3, 5, device=META))
    assert layers[0].seen == META
    assert {parameter.device.type for parameter in layers.parameters()} == {"cpu"}


def test_copying_layers_changes_no_result(layers):
    x = torch.randn(3, 4)
    expected = layers(x)
    compute_layer_by_layer(layers, torch.device("cpu"))
    assert torch.equal(layers(x), expected)
