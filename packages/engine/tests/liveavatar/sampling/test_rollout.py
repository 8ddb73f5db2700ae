"""The clip loop: repeatable from its seed, interruptible, and strict about what it is given."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformer_inputs import GEOMETRY, clip_audio, conditions

from farm_engine.liveavatar.memory.resident import ResidentMemory
from farm_engine.liveavatar.sampling.randomness import SeededRandomness
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.config import Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from farm_engine.protocol import Interrupted


def settings(**changes: object) -> RolloutSettings:
    return RolloutSettings(**{"width": GEOMETRY.width, "height": GEOMETRY.height, "seed": 7, **changes})


def render(model: DiffusionTransformer, clips: int, **changes: object) -> list[Tensor]:
    rollout = Rollout(model, conditions(), settings(**changes))
    return [latents for clip in range(clips) for latents in rollout.render_clip(clip_audio(clip))]


def test_two_runs_are_equal_bit_for_bit(model):
    first, second = render(model, clips=2), render(model, clips=2)
    assert len(first) == 8
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_global_generators_have_no_influence(model):
    first = render(model, clips=1)
    torch.manual_seed(12345)
    assert all(torch.equal(a, b) for a, b in zip(first, render(model, clips=1), strict=True))


def test_another_seed_gives_another_video(model):
    assert not torch.equal(render(model, clips=1)[0], render(model, clips=1, seed=8)[0])


@pytest.mark.parametrize("steps", [3, 5, 6])
def test_other_numbers_of_steps_have_as_many_rings(steps: int, model):
    blocks = render(model, clips=2, steps=steps)
    assert all(latents.isfinite().all() for latents in blocks)
    caches = sum(tensor.nbytes for tensor in ResidentMemory(model, GEOMETRY, steps=steps).tensors())
    config, tokens = model.config, GEOMETRY.tokens_per_latent
    pairs = (steps + 1) // 2
    cached = 12 * tokens * steps + pairs * 5 * tokens // 2 + tokens // 2 + config.text_len
    assert caches == cached * config.num_layers * 2 * config.dim * 4


def test_the_text_is_projected_once_per_video(model, monkeypatch):
    embedded: list[int] = []
    embed = model._embed_text
    monkeypatch.setattr(model, "_embed_text", lambda text: embedded.append(1) or embed(text))
    assert len(render(model, clips=3)) == 12
    assert len(embedded) == 1


def test_audio_of_the_last_block_changes_the_last_block_only(model):
    def run(audio: Tensor) -> list[Tensor]:
        return list(Rollout(model, conditions(), settings()).render_clip(audio))

    audio = clip_audio(0)
    changed = audio.clone()
    changed[..., 36:] += 1
    before, after = run(audio), run(changed)
    assert [torch.equal(a, b) for a, b in zip(before, after, strict=True)] == [True, True, True, False]


@pytest.mark.parametrize("stop_at", [0, 1, 6])
def test_an_interrupt_takes_effect_before_the_next_step(stop_at: int, model):
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked > stop_at:
            raise Interrupted

    forwards = 0

    def count(*_: object) -> None:
        nonlocal forwards
        forwards += 1

    handle = model.register_forward_hook(count)
    rollout = Rollout(model, conditions(), settings())
    with pytest.raises(Interrupted):
        list(rollout.render_clip(clip_audio(0), check))
    handle.remove()
    assert forwards == stop_at
    with pytest.raises(RuntimeError, match="border state"):
        list(rollout.render_clip(clip_audio(0)))
    with pytest.raises(RuntimeError, match="not complete"):
        rollout.border_state()


def test_a_generator_closed_half_way_abandons_the_clip(model):
    rollout = Rollout(model, conditions(), settings())
    blocks = rollout.render_clip(clip_audio(0))
    next(blocks)
    blocks.close()
    with pytest.raises(RuntimeError, match="half written"):
        next(rollout.render_clip(clip_audio(0)))


def test_randomness_depends_on_seed_and_place_only():
    drawn = SeededRandomness(3)
    assert torch.equal(drawn.noise(2, GEOMETRY), SeededRandomness(3).noise(2, GEOMETRY))
    assert not torch.equal(drawn.noise(2, GEOMETRY), SeededRandomness(2).noise(3, GEOMETRY))
    offsets = [
        drawn.reference_offset(clip, block, step) for clip in range(50) for block in range(4) for step in range(4)
    ]
    assert set(offsets) == set(range(4, 31))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: settings(guidance=4.5), "distilled model denoises without it"),
        (lambda: settings(steps=2), "steps 2"),
        (lambda: settings(anchor="mirror"), "mirror"),
        (lambda: settings(history_clips=0), "history_clips"),
        (lambda: settings(width=400), "round it to 384"),
        (lambda: Geometry(width=64, height=-64), "height -64"),
    ],
)
def test_bad_settings_are_refused_with_a_reason(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()


def test_bad_tensors_are_refused_before_anything_runs(model):
    given = conditions(Geometry(width=64, height=64))
    with pytest.raises(ValueError, match="reference latents"):
        Rollout(model, given, settings())
    rollout = Rollout(model, conditions(), settings())
    with pytest.raises(ValueError, match="fill a short last clip"):
        next(rollout.render_clip(clip_audio(0)[..., :40]))
    assert len(list(rollout.render_clip(clip_audio(0)))) == 4
