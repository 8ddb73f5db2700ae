"""Low-rank adaptation (arXiv 2106.09685), merged into each weight as that weight is read."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from farm_engine.liveavatar.checkpoints.errors import WeightsWrongError
from farm_engine.liveavatar.checkpoints.sources import TensorSource, check_names

ALPHA = 64
_TARGET = re.compile(r"^blocks\.\d+\.(?:(?:self|cross)_attn\.[qkvo]|ffn\.[02])\.weight$")
_FACTOR = re.compile(r"^(?:base_model\.model\.)?(?P<layer>.+)\.lora_(?P<factor>[AB])(?:\.default)?\.weight$")


class Lora:
    """Adds (ALPHA / rank) * B @ A to the weights it has factors for."""

    def __init__(self, source: TensorSource, weights: dict[str, tuple[int, ...]]) -> None:
        """`weights`: name and shape of the model's parameters.

        Raises WeightsWrongError for a name that is not a factor, a factor without its partner or of a wrong shape, a
        factor for a weight the model lacks, and for a weight of a layer's attention or ffn without factors.
        """
        self._source = source
        self._factors: dict[str, dict[str, str]] = {}
        for name in source.shapes:
            match = _FACTOR.match(name)
            if match is None:
                raise WeightsWrongError(
                    source.path, f"the tensor {name} is not a LoRA factor", kind="unexpected", tensor=name
                )
            self._factors.setdefault(match["layer"] + ".weight", {})[match["factor"]] = name
        required = {name for name in weights if _TARGET.match(name)}
        check_names(source.path, expected=required, found=required & set(self._factors))
        check_names(source.path, expected=set(self._factors) & set(weights), found=set(self._factors))
        for weight, factors in self._factors.items():
            self._check_shapes(weight, factors, weights[weight])

    def merge(self, name: str, weight: Tensor) -> Tensor:
        """The adapted weight, computed in float32 and rounded once to the weight's dtype."""
        factors = self._factors.get(name)
        if factors is None:
            return weight
        down, up = (self._source.read(factors[factor]).to(weight.device, torch.float32) for factor in "AB")
        return torch.addmm(weight.float(), up, down, alpha=ALPHA / down.shape[0]).to(weight.dtype)

    def _check_shapes(self, weight: str, factors: dict[str, str], shape: tuple[int, ...]) -> None:
        if set(factors) != {"A", "B"}:
            (present,) = factors.values()
            raise WeightsWrongError(self._source.path, f"{present} has no partner", kind="missing", tensor=present)
        down, up = (self._source.shapes[factors[factor]] for factor in "AB")
        if len(shape) != 2 or down[1:] != shape[1:] or up[:1] != shape[:1] or up[1:] != down[:1]:
            raise WeightsWrongError(
                self._source.path,
                f"the factors of {weight} have shapes {up} and {down}, which do not multiply to {tuple(shape)}",
                kind="misshapen",
                tensor=weight,
            )
