"""The plan that keeps every layer and every cache on the compute device."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from farm_engine.liveavatar.transformer.caches import LayerWithCaches, Ring
from farm_engine.liveavatar.transformer.config import Geometry
from farm_engine.liveavatar.transformer.layers import KeyValue
from farm_engine.liveavatar.transformer.model import DiffusionTransformer


class ResidentMemory:
    """Everything stays on the device of the model: the fastest plan, and the largest.

    Cached tokens: 12 T * steps in the rings, 2.5 T of conditions, text_len of text; each takes 4 * dim * num_layers
    bytes in bfloat16.
    """

    def __init__(self, model: DiffusionTransformer, geometry: Geometry, *, steps: int) -> None:
        """Allocates the caches, zeroed, in the model's dtype. `steps`: denoising steps, one set of rings for each."""
        config, layers = model.config, list(model.blocks)

        def allocate(tokens: int) -> KeyValue:
            shape = (tokens, config.num_heads, config.head_dim)
            return KeyValue(*(torch.zeros(shape, dtype=model.dtype, device=model.device) for _ in range(2)))

        self._layers, self._injections = layers, model.injections()
        self._text = [allocate(config.text_len) for _ in layers]
        self._condition = [allocate(geometry.condition_tokens) for _ in layers]
        self._rings = [[Ring(allocate(geometry.ring_tokens)) for _ in layers] for _ in range(steps)]

    def layers(self, step: int | None) -> Iterator[LayerWithCaches]:
        for index, layer in enumerate(self._layers):
            yield LayerWithCaches(
                layer=layer,
                injection=self._injections.get(index),
                text=self._text[index],
                condition=self._condition[index],
                ring=None if step is None else self._rings[step][index],
            )

    def tensors(self) -> Iterator[Tensor]:
        """Every cache tensor, for tests and for counting bytes."""
        for pair in self._text + self._condition + [ring.tensors for rings in self._rings for ring in rings]:
            yield from pair
