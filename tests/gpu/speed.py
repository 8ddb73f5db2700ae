"""Seconds per block and peak memory, ours and the published transformer's, and how far apart their velocities are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from farm_engine.liveavatar.memory.resident import ResidentMemory
from farm_engine.liveavatar.sampling.randomness import SeededRandomness
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.sampler import Block, Sampler
from farm_engine.liveavatar.sampling.schedule import Schedule
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.config import BLOCKS_PER_CLIP, FRAMES_PER_BLOCK, Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from tests.gpu import real_size
from tests.gpu.measure import forget_peak, peak, relative_error, seconds_each, summary
from tests.gpu.published import PublishedTransformer

STEPS = 4
WARM_BLOCKS = BLOCKS_PER_CLIP
"""The rings fill during the first clip: its blocks attend to less and are left out of the median."""

RANDOMNESS = SeededRandomness(420)
Velocities = dict[tuple[int, int], Tensor]


def measure_ours(model: DiffusionTransformer, geometry: Geometry, clips: int) -> dict[str, object]:
    """Whole clips through `Rollout`, as a render runs them."""
    forget_peak()
    settings = RolloutSettings(width=geometry.width, height=geometry.height, seed=420, steps=STEPS)
    rollout = Rollout(model, real_size.conditions(geometry, model.config), settings)
    audio = [real_size.clip_audio(clip, model.config).to(model.device) for clip in range(clips)]
    blocks = (latents for features in audio for latents in rollout.render_clip(features))
    return {**summary(list(seconds_each(blocks)), WARM_BLOCKS), **peak()}


def our_velocities(model: DiffusionTransformer, geometry: Geometry, blocks: int) -> Velocities:
    conditions = real_size.conditions(geometry, model.config)
    memory = ResidentMemory(model, geometry, steps=STEPS)
    model.prefill(
        reference=conditions.reference,
        motion=conditions.motion,
        text=conditions.text,
        geometry=geometry,
        memory=memory,
    )
    sampler = Sampler(model, memory, schedule=Schedule.of(STEPS), randomness=RANDOMNESS, geometry=geometry)
    given = [
        Block(number=number, filled=min(number + 1, BLOCKS_PER_CLIP), features=_audio(model, number))
        for number in range(blocks)
    ]
    return dict(sampler.replay(given, [_inputs(geometry, number) for number in range(blocks)]))


def measure_published(
    checkout: Path, model: DiffusionTransformer, geometry: Geometry, *, blocks: int, **how: object
) -> tuple[dict[str, object], Velocities]:
    """The same forward passes by the published transformer; its VAE, encoders and cache moves are left out."""
    forget_peak()
    published = PublishedTransformer(checkout, model, geometry, steps=STEPS, **how)
    conditions = real_size.conditions(geometry, model.config)
    published.prefill(conditions)
    found: Velocities = {}

    def run() -> Iterator[None]:
        for number in range(blocks):
            clip, index = divmod(number, BLOCKS_PER_CLIP)
            offsets = [RANDOMNESS.reference_offset(clip, index, step) for step in range(STEPS)]
            inputs, audio = _inputs(geometry, number), _audio(model, number)
            velocities = published.velocities(inputs, audio, conditions=conditions, block=number, offsets=offsets)
            found.update({(number, step): velocity for step, velocity in enumerate(velocities)})
            yield

    return {**summary(list(seconds_each(run())), WARM_BLOCKS), **peak()}, found


def compare(model: DiffusionTransformer, geometry: Geometry, published: Velocities) -> dict[str, object]:
    """Relative L2 errors of our velocities, every forward pass with the inputs that the published one had."""
    forget_peak()
    ours = our_velocities(model, geometry, blocks=1 + max(block for block, _ in published))
    errors = [relative_error(ours[place], published[place]) for place in published]
    return {
        "velocities": len(errors),
        "relativeErrorMean": float(f"{sum(errors) / len(errors):.3e}"),
        "relativeErrorGreatest": float(f"{max(errors):.3e}"),
        "equalBitForBit": sum(error == 0 for error in errors),
    }


def first_call_seconds(model: DiffusionTransformer, geometry: Geometry) -> float:
    """What compiling costs: the first block of a video."""
    start = time.perf_counter()
    our_velocities(model, geometry, blocks=1)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return round(time.perf_counter() - start, 1)


def _inputs(geometry: Geometry, block: int) -> list[Tensor]:
    plane = (geometry.latent_height, geometry.latent_width)
    return [real_size.normal(f"latents/{block}/{step}", 16, 3, *plane) for step in range(STEPS)]


def _audio(model: DiffusionTransformer, block: int) -> Tensor:
    clip, index = divmod(block, BLOCKS_PER_CLIP)
    return real_size.clip_audio(clip, model.config)[..., index * FRAMES_PER_BLOCK : (index + 1) * FRAMES_PER_BLOCK]
