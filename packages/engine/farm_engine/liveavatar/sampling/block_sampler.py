"""The sampling loop: from noise to one block's latents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from farm_engine.liveavatar.sampling.randomness import Randomness
from farm_engine.liveavatar.sampling.schedule import Schedule
from farm_engine.liveavatar.transformer.audio_injection import AudioEmbedding
from farm_engine.liveavatar.transformer.caches import Memory
from farm_engine.liveavatar.transformer.config import BLOCKS_PER_CLIP, LATENTS_PER_BLOCK, LATENTS_PER_CLIP, Geometry
from farm_engine.liveavatar.transformer.model import BlockPosition, DiffusionTransformer
from farm_engine.liveavatar.transformer.rotary import block_rotary, reference_rotary


class Block(NamedTuple):
    """A block's place: its clip from 0, its index in the clip 0 to 3, and how many blocks the rings hold with it."""

    clip: int
    index: int
    filled: int


class BlockSampler:
    """Denoises blocks with one model, one schedule and one set of rings."""

    def __init__(
        self,
        model: DiffusionTransformer,
        memory: Memory,
        *,
        schedule: Schedule,
        randomness: Randomness,
        geometry: Geometry,
    ) -> None:
        self.model, self.memory = model, memory
        self.schedule, self.randomness, self.geometry = schedule, randomness, geometry
        with torch.inference_mode():
            self._times = [model.time_modulation(timestep) for timestep in schedule.timesteps]

    def denoise(
        self, noise: Tensor, features: Tensor, block: Block, *, check: Callable[[], None]
    ) -> tuple[Tensor, list[Tensor]]:
        """noise [16, 3, H/8, W/8], features [25, audio_dim, 12] -> the clean latents, and the input of every step.

        `check` is called before every step and raises to stop: the block is then abandoned, its rings half written.
        """
        audio = self.model.embed_audio(features)
        positions = self._positions(block)
        latents = noise.to(self.model.device, self.model.dtype)
        inputs = []
        for step, position in enumerate(positions):
            check()
            inputs.append(latents)
            velocity = self._velocity(latents, step=step, position=position, audio=audio)
            latents = self.schedule.advance(latents, velocity, step)
        return latents, inputs

    def velocities(self, inputs: Sequence[Tensor], features: Tensor, block: Block) -> Iterator[Tensor]:
        """The velocity at every step for given step inputs; running through it writes the block into the rings."""
        audio = self.model.embed_audio(features)
        for step, position in enumerate(self._positions(block)):
            latents = inputs[step].to(self.model.device, self.model.dtype)
            yield self._velocity(latents, step=step, position=position, audio=audio)

    def _velocity(self, latents: Tensor, *, step: int, position: BlockPosition, audio: AudioEmbedding) -> Tensor:
        time = self._times[step]
        return self.model(latents, step=step, time=time, audio=audio, position=position, memory=self.memory)

    def _positions(self, block: Block) -> list[BlockPosition]:
        """One per step, all before the first: a copy from host memory between two steps would make the device wait."""
        frame = block.clip * LATENTS_PER_CLIP + block.index * LATENTS_PER_BLOCK
        rotary = block_rotary(self.geometry, frame).to(self.model.device)
        positions = []
        for step in range(self.schedule.steps):
            offset = self.randomness.reference_offset(block.clip, block.index, step)
            reference = reference_rotary(self.geometry, frame, offset).to(self.model.device)
            positions.append(BlockPosition(block.index % BLOCKS_PER_CLIP, block.filled, rotary, reference))
        return positions
