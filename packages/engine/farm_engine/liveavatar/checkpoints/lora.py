"""Low-rank adaptation (arXiv 2106.09685), merged into each weight as that weight is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from farm_engine.liveavatar.checkpoints.errors import WeightsWrongError
from farm_engine.liveavatar.checkpoints.sources import TensorSource, check_names, read_numbers

ALPHA = 64
_TARGET = re.compile(r".+\.(?:[qkvo]|ffn\.[02])\.weight")
_FACTOR = re.compile(r"(?P<prefix>base_model\.model\.)?.+\.lora_[AB](?P<adapter>\.default)?\.weight")


def adapted_weights(weights: Iterable[str]) -> list[str]:
    """Those of the transformer's parameters that the published LoRA adapts: the projections of every attention, the
    audio injector's included, and both matrices of every feed-forward."""
    return [name for name in weights if _TARGET.fullmatch(name)]


class Lora:
    """Adds (ALPHA / rank) * B @ A to every weight that the published LoRA adapts."""

    def __init__(self, source: TensorSource, weights: Mapping[str, tuple[int, ...]]) -> None:
        """`weights`: name and shape of the model's parameters.

        Raises WeightsWrongError that names a missing, unexpected or misshapen factor.
        """
        self._source = source
        spellings = (match.group("prefix", "adapter") for name in source.shapes if (match := _FACTOR.fullmatch(name)))
        # Names are spelled with and without what the training library adds; a file keeps to the one of its first name.
        prefix, adapter = next(spellings, (None, None))
        self._factors = {
            weight: tuple(
                f"{prefix or ''}{weight.removesuffix('.weight')}.lora_{factor}{adapter or ''}.weight" for factor in "AB"
            )
            for weight in adapted_weights(weights)
        }
        expected = {factor for factors in self._factors.values() for factor in factors}
        check_names(source.path, expected=expected, found=set(source.shapes))
        for weight in self._factors:
            self._check_shapes(weight, weights[weight])

    def merge(self, name: str, weight: Tensor) -> Tensor:
        """The adapted weight, computed in float32 and rounded once to the weight's dtype."""
        factors = self._factors.get(name)
        if factors is None:
            return weight
        down, up = (read_numbers(self._source, factor).to(weight.device, torch.float32) for factor in factors)
        return torch.addmm(weight.float(), up, down, alpha=ALPHA / down.shape[0]).to(weight.dtype)

    def _check_shapes(self, weight: str, shape: tuple[int, ...]) -> None:
        down, up = (self._source.shapes[factor] for factor in self._factors[weight])
        if (
            len(down) != 2
            or len(up) != 2
            or not down[0]
            or down[1:] != shape[1:]
            or up[:1] != shape[:1]
            or up[1:] != down[:1]
        ):
            raise WeightsWrongError(
                self._source.path,
                f"the factors of {weight} have shapes {up} and {down}, which do not multiply to {tuple(shape)}",
                kind="misshapen",
                tensor=weight,
            )
