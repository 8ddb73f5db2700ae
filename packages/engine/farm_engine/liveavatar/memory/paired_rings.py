"""The rings of two denoising steps on either side of one copy of the conditions.

    [ slot 3 | slot 2 | slot 1 | slot 0 | reference | motion | slot 0 | slot 1 | slot 2 | slot 3 ]
      ring of the first step              conditions           ring of the second step

Both rings fill from the conditions outwards, so what a step attends to is always one piece of memory: nothing is copied
to put ring and conditions side by side. The order of keys does not matter to attention: they carry their position.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from farm_engine.liveavatar.transformer.caches import Position
from farm_engine.liveavatar.transformer.config import BLOCKS_PER_CLIP, Geometry
from farm_engine.liveavatar.transformer.layers import KeyValue, TransformerLayer, attend


class PairedRings:
    """One layer's conditions with the rings of two denoising steps, or of one where the number of steps is odd."""

    def __init__(
        self, layer: TransformerLayer, geometry: Geometry, tensors: KeyValue, *, reference_key: Tensor
    ) -> None:
        """tensors: two of [`token_count`, heads, 128]. reference_key: [T, heads, 128], the reference's, not rotated."""
        self.layer, self.geometry = layer, geometry
        self.tensors, self.reference_key = tensors, reference_key

    @staticmethod
    def token_count(geometry: Geometry, *, rings: int) -> int:
        return rings * geometry.ring_tokens + geometry.condition_tokens

    @property
    def conditions(self) -> KeyValue:
        """[2.5 * T, heads, 128] each: the reference, its T keys rotated as the last block saw them, then motion."""
        return self._part(self.geometry.ring_tokens, self.geometry.condition_tokens)

    def rotate_reference(self, at: Position) -> None:
        rotated = self.layer.rotate_reference(self.reference_key, at.reference)
        self.conditions.key[: self.geometry.tokens_per_latent].copy_(rotated)

    def slot(self, which: int, number: int) -> KeyValue:
        """The keys and values of one block, [3 * T, heads, 128]. `which`: 0, the first step's ring, or 1."""
        size = self.geometry.tokens_per_block
        if which == 0:
            return self._part((BLOCKS_PER_CLIP - 1 - number) * size, size)
        return self._part(self.geometry.ring_tokens + self.geometry.condition_tokens + number * size, size)

    def attended(self, which: int, filled: int) -> KeyValue:
        """The conditions and the first `filled` slots of a ring, side by side as they are."""
        ring = filled * self.geometry.tokens_per_block
        start = self.geometry.ring_tokens - (ring if which == 0 else 0)
        return self._part(start, ring + self.geometry.condition_tokens)

    def _part(self, start: int, tokens: int) -> KeyValue:
        return KeyValue(*(tensor[start : start + tokens] for tensor in self.tensors))


class PairedRing(NamedTuple):
    """The ring of one of the two steps, with the conditions beside it: a `Cache`."""

    pair: PairedRings
    which: int

    def attend(self, query: Tensor, new: KeyValue, at: Position) -> Tensor:
        self.pair.slot(self.which, at.place.slot).copy_(new)
        self.pair.rotate_reference(at)
        return attend(query, *self.pair.attended(self.which, at.place.filled))
