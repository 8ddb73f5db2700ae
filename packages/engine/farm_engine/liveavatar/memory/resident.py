"""The plan that keeps every layer and every cache on the compute device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from farm_engine.liveavatar.memory.paired_rings import PairedRing, PairedRings
from farm_engine.liveavatar.transformer.caches import LayerWithCaches, Place
from farm_engine.liveavatar.transformer.config import Geometry
from farm_engine.liveavatar.transformer.layers import KeyValue, TransformerLayer
from farm_engine.liveavatar.transformer.model import DiffusionTransformer


@dataclass(frozen=True)
class ResidentLayer:
    """A layer with its text and, for every two denoising steps, rings and conditions."""

    layer: TransformerLayer
    text: KeyValue
    pairs: Sequence[PairedRings]
    reference_key: Tensor

    def store_text(self, text: KeyValue) -> None:
        self.text.copy_(text)

    def store_conditions(self, conditions: KeyValue) -> None:
        self.reference_key.copy_(conditions.key[: len(self.reference_key)])
        for pair in self.pairs:
            pair.conditions.copy_(conditions)


class ResidentMemory:
    """Everything stays on the device of the model: the fastest plan, and the largest.

    Cached tokens: 12 T * steps in the rings, 2.5 T of conditions for every two steps, T/2 for the reference's keys as
    they are before rotation, text_len of text; each takes 4 * dim * num_layers bytes in bfloat16.
    """

    def __init__(self, model: DiffusionTransformer, geometry: Geometry, *, steps: int) -> None:
        """Allocates the caches, zeroed, in the model's dtype. `steps`: denoising steps, one set of rings for each."""
        config = model.config

        def zeros(tokens: int) -> Tensor:
            return torch.zeros(tokens, config.num_heads, config.head_dim, dtype=model.dtype, device=model.device)

        def resident(layer: TransformerLayer) -> ResidentLayer:
            reference_key = zeros(geometry.tokens_per_latent)
            pairs = []
            for step in range(0, steps, 2):
                tokens = PairedRings.token_count(geometry, rings=min(2, steps - step))
                tensors = KeyValue(zeros(tokens), zeros(tokens))
                pairs.append(PairedRings(layer, geometry, tensors, reference_key=reference_key))
            return ResidentLayer(layer, KeyValue(zeros(config.text_len), zeros(config.text_len)), pairs, reference_key)

        self._injections = model.injections()
        self._layers = [resident(layer) for layer in model.blocks]

    def layers(self, works: Sequence[Place], then: Sequence[Place]) -> Iterator[LayerWithCaches]:
        for index, resident in enumerate(self._layers):
            yield LayerWithCaches(
                layer=resident.layer,
                injection=self._injections.get(index),
                text=resident.text,
                caches=[PairedRing(resident.pairs[work.step // 2], work.step % 2) for work in works],
            )

    def conditioned_layers(self) -> Iterator[ResidentLayer]:
        return iter(self._layers)

    def tensors(self) -> Iterator[Tensor]:
        """Every cache tensor, for tests and for counting bytes."""
        for layer in self._layers:
            yield from layer.text
            yield layer.reference_key
            for pair in layer.pairs:
                yield from pair.tensors
