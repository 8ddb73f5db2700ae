"""A memory plan may move every cache; the result stays the same bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from transformer_inputs import GEOMETRY, STEPS, clip_audio, conditions

from farm_engine.liveavatar.memory.resident import ResidentMemory
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.caches import LayerWithCaches, Ring
from farm_engine.liveavatar.transformer.layers import KeyValue


class CopyingMemory:
    """Keeps its caches elsewhere: yields copies, copies them back before the next layer, and spoils the copies."""

    def __init__(self, home: ResidentMemory) -> None:
        self._home = home

    def layers(self, step: int | None) -> Iterator[LayerWithCaches]:
        for layer in self._home.layers(step):
            ring = None if layer.ring is None else Ring(_copy(layer.ring.tensors))
            lent = replace(layer, text=_copy(layer.text), condition=_copy(layer.condition), ring=ring)
            yield lent
            _return(lent.text, layer.text)
            _return(lent.condition, layer.condition)
            if ring is not None:
                _return(ring.tensors, layer.ring.tensors)


def _copy(pair: KeyValue) -> KeyValue:
    return KeyValue(*(tensor.clone() for tensor in pair))


def _return(lent: KeyValue, home: KeyValue) -> None:
    for source, target in zip(lent, home, strict=True):
        target.copy_(source)
        source.fill_(torch.nan)


def test_a_plan_that_moves_every_cache_gives_equal_latents(model):
    settings = RolloutSettings(width=GEOMETRY.width, height=GEOMETRY.height, seed=7)
    moved = CopyingMemory(ResidentMemory(model, GEOMETRY, steps=STEPS))
    rollouts = [Rollout(model, conditions(), settings), Rollout(model, conditions(), settings, memory=moved)]
    for clip in range(2):
        resident, copied = (list(rollout.render_clip(clip_audio(clip))) for rollout in rollouts)
        assert all(torch.equal(a, b) for a, b in zip(resident, copied, strict=True))


def test_a_used_memory_serves_another_video(model):
    settings = RolloutSettings(width=GEOMETRY.width, height=GEOMETRY.height, seed=7)
    used = ResidentMemory(model, GEOMETRY, steps=STEPS)
    list(Rollout(model, conditions(), replace(settings, seed=8), memory=used).render_clip(clip_audio(1)))
    fresh, again = Rollout(model, conditions(), settings), Rollout(model, conditions(), settings, memory=used)
    expected, found = (list(rollout.render_clip(clip_audio(0))) for rollout in (fresh, again))
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
