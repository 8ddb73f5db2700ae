"""What the transformer asks of a memory plan: its layers, each with its caches.

The transformer asks a `Memory` for its layers one after the other and uses the tensors it is given. What is computed is
decided there; where tensors are kept between two uses is decided by the plan (`farm_engine.liveavatar.memory`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from farm_engine.liveavatar.transformer.audio_injection import AudioInjection
from farm_engine.liveavatar.transformer.config import BLOCKS_PER_CLIP
from farm_engine.liveavatar.transformer.layers import KeyValue, TransformerLayer


class Ring:
    """Keys and values of the last four blocks, in one layer, of one denoising step.

    Block b of the video is written to slot b % 4. The order of slots does not matter: keys carry their position.
    """

    def __init__(self, tensors: KeyValue) -> None:
        """`tensors`: two of [12 * T, heads, 128], where T is the number of tokens per latent frame."""
        self.tensors = tensors

    def write(self, slot: int, block: KeyValue) -> None:
        """Overwrite `slot` (0 to 3) with the keys and values of one block, [3 * T, heads, 128] each."""
        tokens = block.key.shape[0]
        for stored, new in zip(self.tensors, block, strict=True):
            stored[slot * tokens : (slot + 1) * tokens].copy_(new)

    def filled(self, blocks: int) -> KeyValue:
        """Views of the first `blocks` slots, at most all four."""
        tokens = self.tensors.key.shape[0] * min(blocks, BLOCKS_PER_CLIP) // BLOCKS_PER_CLIP
        return KeyValue(self.tensors.key[:tokens], self.tensors.value[:tokens])


@dataclass(frozen=True, kw_only=True)
class LayerWithCaches:
    """One layer as the transformer sees it, on the compute device.

    `text` [text_len, heads, 128] and `condition` [2.5 * T, heads, 128] are written by a prefill and only read
    afterwards. The reference part of `condition.key`, its first T tokens, is not rotated. `ring` is None during a
    prefill.
    """

    layer: TransformerLayer
    injection: AudioInjection | None
    text: KeyValue
    condition: KeyValue
    ring: Ring | None


class Memory(Protocol):
    """A memory plan.

    The tensors of a layer are valid, and writes to them are kept, until the iterator is advanced. Meanwhile a plan may
    copy the next layer's tensors to the device and take the previous layer's away.
    """

    def layers(self, step: int | None) -> Iterator[LayerWithCaches]:
        """All layers in order, each with the ring of denoising step `step` (from 0); None for a prefill."""
        ...
