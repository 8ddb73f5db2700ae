"""What the transformer asks of a memory plan: its layers, each with its caches.

The transformer asks a `Memory` for its layers one after the other; each comes with a `Cache` for every work of the
pass. What is computed is decided there; where tensors are kept, and in which layout, is decided by the plan
(`farm_engine.liveavatar.memory`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from farm_engine.liveavatar.transformer.audio_injection import AudioInjection
from farm_engine.liveavatar.transformer.config import BLOCKS_PER_CLIP
from farm_engine.liveavatar.transformer.layers import KeyValue, TransformerLayer
from farm_engine.liveavatar.transformer.rotary import Rotary


class Place(NamedTuple):
    """One denoising step of one block, in the video and in the rings.

    `block` counts from the start of the video, `step` from 0. `filled`, 1 to 4, is the number of slots in the rings
    that hold a block once this one is written.
    """

    block: int
    step: int
    filled: int

    @property
    def slot(self) -> int:
        """Where in the rings the block is written, 0 to 3: over the block that is four older."""
        return self.block % BLOCKS_PER_CLIP


class Position(NamedTuple):
    """A place with its rotary factors: the block's own [3 * T], and those of the reference [T] as seen from it."""

    place: Place
    rotary: Rotary
    reference: Rotary


class Cache(Protocol):
    """What one layer remembers for one denoising step: the keys and values of the last four blocks and the conditions.

    Valid until the plan's iterator is advanced.
    """

    def attend(self, query: Tensor, new: KeyValue, at: Position) -> Tensor:
        """Keeps a block's keys and values, and attends to them, to the blocks before and to the conditions.

        Args:
            query: [3 * T, heads, 128], rotated. new: the block's own, [3 * T, heads, 128] each, keys rotated.
            at: where the block belongs; the reference's keys are rotated to `at.reference`.

        Returns:
            [3 * T, heads * 128].
        """
        ...


@dataclass(frozen=True, kw_only=True)
class LayerWithCaches:
    """One layer as a pass sees it, on the compute device: `caches` has one for each of its works, in their order.

    `text`: keys and values [text_len, heads, 128].
    """

    layer: TransformerLayer
    injection: AudioInjection | None
    text: KeyValue
    caches: Sequence[Cache]


class ConditionedLayer(Protocol):
    """One layer as a prefill sees it: what it stores serves every later pass."""

    layer: TransformerLayer

    @property
    def text(self) -> KeyValue:
        """Keys and values [text_len, heads, 128]: what was stored last."""
        ...

    def store_text(self, text: KeyValue) -> None: ...

    def store_conditions(self, conditions: KeyValue) -> None:
        """[2.5 * T, heads, 128] each: the reference first, its T keys not rotated, then motion."""
        ...


class Memory(Protocol):
    """A memory plan.

    What it yields is valid until its iterator is advanced. Meanwhile a plan may copy to the device what the next
    layer needs, or the first layers of the next pass, and take away what the last one has written: one slot of each
    ring. A ring's slot that a pass overwrites need not be there before.
    """

    def layers(self, works: Sequence[Place], then: Sequence[Place]) -> Iterator[LayerWithCaches]:
        """All layers in order, for one pass. `then` is the pass that follows; empty if none does or a prefill may."""
        ...

    def conditioned_layers(self) -> Iterator[ConditionedLayer]:
        """All layers in order, for a prefill."""
        ...
