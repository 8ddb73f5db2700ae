"""The sampling loop: from noise to clean latents, block by block and step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from farm_engine.liveavatar.sampling.order import BlockStep, Order, one_by_one
from farm_engine.liveavatar.sampling.randomness import Randomness
from farm_engine.liveavatar.sampling.schedule import Schedule
from farm_engine.liveavatar.transformer.caches import Memory, Place, Position
from farm_engine.liveavatar.transformer.config import BLOCKS_PER_CLIP, LATENTS_PER_BLOCK, Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer, Work
from farm_engine.liveavatar.transformer.rotary import block_rotary, reference_rotary


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block to compute.

    Attributes:
        number: its place in the video, from 0.
        filled: how many of the rings' slots hold a block once it is written, 1 to 4.
        features: [25, audio_dim, 12], the speech of its frames.
    """

    number: int
    filled: int
    features: Tensor


class CleanBlock(NamedTuple):
    """A block's latents [16, 3, H/8, W/8], and what entered each step on the way to them."""

    latents: Tensor
    inputs: list[Tensor]


class Sampler:
    """Denoises blocks with one model, one schedule and one set of rings."""

    def __init__(
        self,
        model: DiffusionTransformer,
        memory: Memory,
        *,
        schedule: Schedule,
        randomness: Randomness,
        geometry: Geometry,
        order: Order = one_by_one,
    ) -> None:
        self.model, self.memory = model, memory
        self.schedule, self.randomness, self.geometry, self.order = schedule, randomness, geometry, order
        with torch.inference_mode():
            self._times = [model.time_modulation(timestep) for timestep in schedule.timesteps]

    def denoise(
        self, blocks: Sequence[Block], noise: Sequence[Tensor], *, check: Callable[[], None]
    ) -> Iterator[CleanBlock]:
        """noise [16, 3, H/8, W/8] of each block -> the blocks in order, each as soon as it is clean.

        `check` is called before every pass and raises to stop: the rings are then half written.
        """
        inputs = [[self._on_device(latents)] for latents in noise]
        for (number, step), velocity in self._velocities(blocks, inputs, check=check):
            inputs[number].append(self.schedule.advance(inputs[number][step], velocity, step))
            if step == self.schedule.steps - 1:
                *entered, clean = inputs[number]
                yield CleanBlock(clean, entered)

    def replay(self, blocks: Sequence[Block], inputs: Sequence[Sequence[Tensor]]) -> Iterator[tuple[BlockStep, Tensor]]:
        """The velocities for given step inputs; running through them writes the blocks into the rings."""
        return self._velocities(blocks, inputs, check=lambda: None)

    def _velocities(
        self, blocks: Sequence[Block], inputs: Sequence[Sequence[Tensor]], *, check: Callable[[], None]
    ) -> Iterator[tuple[BlockStep, Tensor]]:
        audio = self.model.audio_keys([block.features for block in blocks])
        positions: dict[int, list[Position]] = {}
        for now, then in pairwise(chain(self.order(len(blocks), self.schedule.steps), [[]])):
            check()
            for number in {number for number, _ in now} - positions.keys():
                positions[number] = self._positions(blocks[number])
            works = [
                Work(
                    latents=self._on_device(inputs[number][step]),
                    time=self._times[step],
                    audio=audio[number],
                    at=positions[number][step],
                )
                for number, step in now
            ]
            following = [_place(blocks[number], step) for number, step in then]
            yield from zip(now, self.model(works, memory=self.memory, then=following), strict=True)

    def _positions(self, block: Block) -> list[Position]:
        """One per step, all before the first: a copy from host memory between two steps would make the device wait."""
        clip, index = divmod(block.number, BLOCKS_PER_CLIP)
        frame, device = block.number * LATENTS_PER_BLOCK, self.model.device
        rotary = block_rotary(self.geometry, frame).to(device)
        positions = []
        for step in range(self.schedule.steps):
            offset = self.randomness.reference_offset(clip, index, step)
            reference = reference_rotary(self.geometry, frame, offset).to(device)
            positions.append(Position(_place(block, step), rotary, reference))
        return positions

    def _on_device(self, latents: Tensor) -> Tensor:
        return latents.to(self.model.device, self.model.dtype)


def _place(block: Block, step: int) -> Place:
    return Place(block.number, step, block.filled)
