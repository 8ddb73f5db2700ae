"""Our side of the comparison with the published transformer: the same inputs, the same order of calls."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from torch import Tensor
from transformer_inputs import (
    FORWARD_BLOCKS,
    GEOMETRY,
    STEPS,
    FixedRandomness,
    block_audio,
    conditions,
    forward_latents,
)

from farm_engine.liveavatar.memory.resident import ResidentMemory
from farm_engine.liveavatar.sampling.sampler import Block, Sampler
from farm_engine.liveavatar.sampling.schedule import Schedule
from farm_engine.liveavatar.transformer.caches import Memory
from farm_engine.liveavatar.transformer.model import DiffusionTransformer

GOLDEN = Path(__file__).parents[1] / "liveavatar/golden"


def golden(name: str) -> dict[str, Tensor]:
    return safetensors.torch.load_file(GOLDEN / name)


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Relative L2 error, computed in float64; NaN never passes a comparison with it."""
    found, expected = found.cpu().double(), expected.cpu().double()
    return float((found - expected).norm() / expected.norm())


def prefilled_memory(model: DiffusionTransformer) -> Memory:
    memory = ResidentMemory(model, GEOMETRY, steps=STEPS)
    given = conditions()
    model.prefill(reference=given.reference, motion=given.motion, text=given.text, geometry=GEOMETRY, memory=memory)
    return memory


def forward_velocities(model: DiffusionTransformer) -> dict[tuple[int, int], Tensor]:
    """Velocities of twelve blocks at four steps, each from latents of its own; the rings wrap three times."""
    memory = prefilled_memory(model)
    sampler = Sampler(model, memory, schedule=Schedule.of(STEPS), randomness=FixedRandomness(), geometry=GEOMETRY)
    blocks = [
        Block(number=number, filled=min(number + 1, 4), features=block_audio(number))
        for number in range(FORWARD_BLOCKS)
    ]
    inputs = [[forward_latents(number, step) for step in range(STEPS)] for number in range(FORWARD_BLOCKS)]
    return dict(sampler.replay(blocks, inputs))


def forward_errors(model: DiffusionTransformer, expected: dict[str, Tensor]) -> dict[tuple[int, int], float]:
    """Relative error of every velocity; of a sample of it where the golden file holds only a sample."""
    errors = {}
    for (block, step), velocity in forward_velocities(model).items():
        name = f"forward.{block}.{step}"
        if name in expected:
            errors[block, step] = relative_error(velocity, expected[name])
        else:
            errors[block, step] = relative_error(velocity.flatten()[::61], expected[f"{name}.sample"])
    return errors
