"""Where the model's layers and caches live.

The transformer asks a `Memory` for its layers one after the other and uses the tensors it is handed. What is
computed is decided there; where tensors rest between two uses is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from farm_engine.liveavatar.audio import AudioInjection
from farm_engine.liveavatar.config import BLOCKS_PER_CLIP, Geometry, ModelConfig
from farm_engine.liveavatar.layers import KeyValue, TransformerBlock


class Ring:
    """Keys and values of the last four blocks, in one layer, of one denoising step.

    Block b of the video is written to slot b % 4. The order of slots does not matter: keys carry their position.
    """

    def __init__(self, tensors: KeyValue) -> None:
        self.tensors = tensors

    def write(self, slot: int, block: KeyValue) -> None:
        tokens = block.key.shape[0]
        for stored, new in zip(self.tensors, block, strict=True):
            stored[slot * tokens : (slot + 1) * tokens].copy_(new)

    def filled(self, blocks: int) -> KeyValue:
        """The first `blocks` slots, at most all four."""
        tokens = self.tensors.key.shape[0] * min(blocks, BLOCKS_PER_CLIP) // BLOCKS_PER_CLIP
        return KeyValue(self.tensors.key[:tokens], self.tensors.value[:tokens])


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer as the transformer sees it, on the compute device.

    `text` and `condition` are written by a prefill and only read afterwards. The reference part of `condition.key`, its
    first T tokens, is not rotated. `ring` is None during a prefill.
    """

    block: TransformerBlock
    injection: AudioInjection | None
    text: KeyValue
    condition: KeyValue
    ring: Ring | None


class Memory(Protocol):
    """A memory plan.

    The tensors of a layer are valid, and writes to them are kept, until the iterator is advanced. A plan may copy the
    next layer's tensors meanwhile and take the last one's away.
    """

    def layers(self, step: int | None) -> Iterator[Layer]:
        """All layers in order, each with the ring of denoising step `step`; None for a prefill."""
        ...


class ResidentMemory:
    """Everything stays on the device of the model's blocks: the fastest plan, and the largest.

    Cached tokens: 12 T * steps in the rings, 2.5 T of conditions, text_len of text; each takes 4 * dim * layers
    bytes in bfloat16.
    """

    def __init__(
        self,
        blocks: list[TransformerBlock],
        injections: dict[int, AudioInjection],
        *,
        config: ModelConfig,
        geometry: Geometry,
        steps: int,
    ) -> None:
        weight = blocks[0].modulation

        def allocate(tokens: int) -> KeyValue:
            shape = (tokens, config.num_heads, config.head_dim)
            return KeyValue(*(torch.zeros(shape, dtype=weight.dtype, device=weight.device) for _ in range(2)))

        self._blocks, self._injections = blocks, injections
        self._text = [allocate(config.text_len) for _ in blocks]
        self._condition = [allocate(geometry.condition_tokens) for _ in blocks]
        self._rings = [[Ring(allocate(geometry.ring_tokens)) for _ in blocks] for _ in range(steps)]

    def layers(self, step: int | None) -> Iterator[Layer]:
        for index, block in enumerate(self._blocks):
            yield Layer(
                block=block,
                injection=self._injections.get(index),
                text=self._text[index],
                condition=self._condition[index],
                ring=None if step is None else self._rings[step][index],
            )

    def tensors(self) -> Iterator[Tensor]:
        """Every cache tensor, for tests and for counting bytes."""
        for pair in self._text + self._condition + [ring.tensors for rings in self._rings for ring in rings]:
            yield from pair
