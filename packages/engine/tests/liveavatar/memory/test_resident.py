"""What the seam between transformer and memory plan leaves to a plan, shown on plans that use all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformer_inputs import GEOMETRY, STEPS, clip_audio, conditions

from farm_engine.liveavatar.memory.paired_rings import PairedRing, PairedRings
from farm_engine.liveavatar.memory.resident import ResidentLayer, ResidentMemory
from farm_engine.liveavatar.sampling.order import BlockStep
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.caches import LayerWithCaches, Place
from farm_engine.liveavatar.transformer.layers import KeyValue

SETTINGS = RolloutSettings(width=GEOMETRY.width, height=GEOMETRY.height, seed=7)


class StreamedMemory:
    """Keeps its rings elsewhere: lends copies without the slot that is overwritten, and takes that slot alone back."""

    def __init__(self, home: ResidentMemory) -> None:
        self.home = home
        self.passes: list[tuple[Sequence[Place], Sequence[Place]]] = []

    def layers(self, works: Sequence[Place], then: Sequence[Place]) -> Iterator[LayerWithCaches]:
        self.passes.append((works, then))
        for kept, resident in zip(self.home.conditioned_layers(), self.home.layers(works, then), strict=True):
            lent = [_copy(cache) for cache in resident.caches]
            for work, cache in zip(works, lent, strict=True):
                _spoil(cache.pair.slot(cache.which, work.slot))
            text = KeyValue(*(tensor.clone() for tensor in resident.text))
            yield replace(resident, text=text, caches=lent)
            for work, cache in zip(works, lent, strict=True):
                _slot(kept, work).copy_(cache.pair.slot(cache.which, work.slot))
            for tensors in [text, *(cache.pair.tensors for cache in lent)]:
                _spoil(tensors)

    def conditioned_layers(self) -> Iterator[ResidentLayer]:
        return self.home.conditioned_layers()


def _copy(cache: PairedRing) -> PairedRing:
    pair = cache.pair
    tensors = KeyValue(*(tensor.clone() for tensor in pair.tensors))
    lent = PairedRings(pair.layer, pair.geometry, tensors, reference_key=pair.reference_key.clone())
    return PairedRing(lent, cache.which)


def _slot(layer: ResidentLayer, work: Place) -> KeyValue:
    return layer.pairs[work.step // 2].slot(work.step % 2, work.slot)


def _spoil(pair: KeyValue) -> None:
    for tensor in pair:
        tensor.fill_(torch.nan)


def wavefront(blocks: int, steps: int) -> Iterator[list[BlockStep]]:
    """Step s of a block with step s - 1 of the next: as few passes as the dependencies allow."""
    for wave in range(blocks + steps - 1):
        yield [(wave - step, step) for step in reversed(range(steps)) if 0 <= wave - step < blocks]


def clips_of(rollout: Rollout, count: int) -> list[Tensor]:
    return [latents for clip in range(count) for latents in rollout.render_clip(clip_audio(clip))]


def assert_equal(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    assert len(found) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("steps", [3, 4])
def test_a_plan_that_moves_every_cache_gives_equal_latents(model, steps):
    settings = replace(SETTINGS, steps=steps)
    expected = clips_of(Rollout(model, conditions(), settings), 3)
    moved = StreamedMemory(ResidentMemory(model, GEOMETRY, steps=steps))
    assert_equal(clips_of(Rollout(model, conditions(), settings, memory=moved), 3), expected)


def test_a_plan_is_told_what_follows_within_a_clip(model):
    watched = StreamedMemory(ResidentMemory(model, GEOMETRY, steps=STEPS))
    clips_of(Rollout(model, conditions(), SETTINGS, memory=watched), 2)
    works, then = zip(*watched.passes, strict=True)
    assert works[0] == [Place(block=0, step=0, filled=1)]
    assert works[-1] == [Place(block=7, step=3, filled=4)]
    last_of_a_clip = {15, 31}
    for number, following in enumerate(then):
        assert following == ([] if number in last_of_a_clip else works[number + 1])


@pytest.mark.parametrize("steps", [3, 4])
@pytest.mark.parametrize("streamed", [False, True])
def test_steps_of_several_blocks_in_one_pass_give_equal_latents(model, steps, streamed):
    settings = replace(SETTINGS, steps=steps)
    expected = clips_of(Rollout(model, conditions(), settings), 2)
    memory = StreamedMemory(ResidentMemory(model, GEOMETRY, steps=steps))
    rollout = Rollout(model, conditions(), settings, memory=memory if streamed else memory.home)
    rollout._sampler.order = wavefront
    assert_equal(clips_of(rollout, 2), expected)
    if streamed:
        assert max(len(works) for works, _ in memory.passes) == steps


def test_a_used_memory_serves_another_video(model):
    used = ResidentMemory(model, GEOMETRY, steps=STEPS)
    clips_of(Rollout(model, conditions(), replace(SETTINGS, seed=8), memory=used), 2)
    expected = clips_of(Rollout(model, conditions(), SETTINGS), 1)
    assert_equal(clips_of(Rollout(model, conditions(), SETTINGS, memory=used), 1), expected)
