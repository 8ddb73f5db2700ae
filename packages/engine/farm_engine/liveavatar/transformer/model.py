"""The causal speech-to-video diffusion transformer: parameters, prefill of the conditions, denoising forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farm_engine.liveavatar.transformer.attention_backend import fastest_attention
from farm_engine.liveavatar.transformer.audio_injection import (
    AudioEmbedding,
    AudioEncoder,
    AudioInjection,
    AudioInjector,
    AudioKeys,
)
from farm_engine.liveavatar.transformer.caches import Memory, Place, Position
from farm_engine.liveavatar.transformer.config import LATENTS_PER_BLOCK, Geometry, ModelConfig
from farm_engine.liveavatar.transformer.framepack import FramePacker
from farm_engine.liveavatar.transformer.layers import KeyValue, TransformerLayer, attend
from farm_engine.liveavatar.transformer.rotary import Rotary, motion_rotary, reference_rotary, rotate

VIDEO, REFERENCE, MOTION = 0, 1, 2
"""Rows of `trainable_cond_mask`, the embedding that tells the kinds of token apart."""


class TimeModulation(NamedTuple):
    """A timestep as used inside, float32: `head` [dim] for the output head, `layers` [6, dim] for each layer."""

    head: Tensor
    layers: Tensor


@dataclass(frozen=True, kw_only=True)
class Work:
    """One denoising step of one block.

    Attributes:
        latents: [16, 3, H/8, W/8], what enters the step.
        time: `time_modulation` of the step's timestep.
        audio: `audio_keys` of the block.
        at: where the block is in the video, and the step's place in the rings.
    """

    latents: Tensor
    time: TimeModulation
    audio: Sequence[AudioKeys]
    at: Position


class Float32Linear(nn.Linear):
    """Computes in float32, whatever the dtype of its weights."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.float(), self.bias.float())


class OutputHead(nn.Module):
    """Modulated norm and projection to patches, in float32."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.head = Float32Linear(config.dim, config.latent_channels * 4)
        self.modulation = nn.Parameter(torch.empty(1, 2, config.dim))

    def forward(self, tokens: Tensor, time: Tensor) -> Tensor:
        shift, scale = self.modulation[0] + time
        normed = F.layer_norm(tokens, (tokens.shape[-1],), eps=self.eps) * (1 + scale) + shift
        return self.head(normed).to(tokens.dtype)


class DiffusionTransformer(nn.Module):
    """Predicts the velocity of one block of video latents, given its past (the rings) and its conditions.

    Parameter names and shapes are those of the published checkpoint, spelling included (`casual_audio_encoder`).
    `cond_encoder` would embed a pose video; without one only its bias acts, as in the published pipeline.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        patch = (1, 2, 2)
        self.patch_embedding = nn.Conv3d(config.latent_channels, config.dim, kernel_size=patch, stride=patch)
        self.cond_encoder = nn.Conv3d(config.latent_channels, config.dim, kernel_size=patch, stride=patch)
        self.text_embedding = nn.Sequential(
            nn.Linear(config.text_dim, config.dim), nn.GELU(approximate="tanh"), nn.Linear(config.dim, config.dim)
        )
        self.time_embedding = nn.Sequential(
            Float32Linear(config.frequency_dim, config.dim), nn.SiLU(), Float32Linear(config.dim, config.dim)
        )
        self.time_projection = nn.Sequential(nn.SiLU(), Float32Linear(config.dim, 6 * config.dim))
        self.blocks = nn.ModuleList(TransformerLayer(config) for _ in range(config.num_layers))
        self.head = OutputHead(config)
        self.casual_audio_encoder = AudioEncoder(config)
        self.audio_injector = AudioInjector(config)
        self.trainable_cond_mask = nn.Embedding(3, config.dim)
        self.frame_packer = FramePacker(config)
        self.requires_grad_(False)

    @property
    def dtype(self) -> torch.dtype:
        return self.patch_embedding.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.patch_embedding.weight.device

    def injections(self) -> dict[int, AudioInjection]:
        """The audio injections by the layer that they follow."""
        return dict(zip(self.config.audio_inject_layers, self.audio_injector.stages, strict=True))

    def rarely_used_layers(self) -> dict[str, nn.Linear]:
        """By name, the layers whose results serve many passes: those of the text, the time and the speech.

        They are used when a video begins or its reference changes, the speech's once a clip.
        """
        text = {
            f"blocks.{index}.cross_attn.{part}": getattr(layer.cross_attn, part)
            for index, layer in enumerate(self.blocks)
            for part in ("k", "v")
        }
        audio = {
            f"audio_injector.injector.{stage.index}.{part}": getattr(stage.attention, part)
            for stage in self.audio_injector.stages
            for part in ("k", "v")
        }
        norms = {
            f"audio_injector.injector_adain_layers.{stage.index}.linear": stage.norm.linear
            for stage in self.audio_injector.stages
        }
        time = {
            "time_embedding.0": self.time_embedding[0],
            "time_embedding.2": self.time_embedding[2],
            "time_projection.1": self.time_projection[1],
        }
        return text | audio | norms | time

    def time_modulation(self, timestep: float) -> TimeModulation:
        """timestep: 0 (clean) to 1000 (noise)."""
        half = self.config.frequency_dim // 2
        frequencies = torch.pow(10000, -torch.arange(half, dtype=torch.float64) / half)
        angles = timestep * frequencies
        embedding = torch.cat([angles.cos(), angles.sin()]).float().to(self.device)
        head = self.time_embedding(embedding)
        return TimeModulation(head, self.time_projection(head).unflatten(0, (6, -1)))

    @torch.inference_mode()
    def audio_keys(self, blocks: Sequence[Tensor]) -> list[tuple[AudioKeys, ...]]:
        """[25, audio_dim, 12] of each block -> for each block, what every injected layer makes of it.

        One pass over the layers for all blocks: their weights may have to come from host memory.
        """
        heard = [self.casual_audio_encoder(features.to(self.device)) for features in blocks]
        together = AudioEmbedding(*(torch.cat(parts) for parts in zip(*heard, strict=True)))
        stages = [stage.keys(together) for stage in self.audio_injector.stages]
        per_block = ([part.split(LATENTS_PER_BLOCK) for part in stage] for stage in stages)
        return list(
            zip(*([AudioKeys(*parts) for parts in zip(*stage, strict=True)] for stage in per_block), strict=True)
        )

    @fastest_attention
    @torch.inference_mode()
    @torch.compiler.set_stance("force_eager")
    def prefill(
        self, *, reference: Tensor, motion: Tensor, text: Tensor | None, geometry: Geometry, memory: Memory
    ) -> None:
        """Fills the text and condition caches of `memory`, in one pass over the layers.

        Conditions attend to each other and to the text, never to the video: computed once, they serve every step.

        Args:
            reference: [16, 1, H/8, W/8]. motion: [16, 19, H/8, W/8]. text: [L, text_dim], L <= text_len; None where the
                text caches of `memory` hold it already.
        """
        embedded = None if text is None else self._embed_text(text)
        reference_tokens = self._patches(reference) + self.trainable_cond_mask.weight[REFERENCE]
        motion_tokens = self.frame_packer(motion.to(self.device, self.dtype)) + self.trainable_cond_mask.weight[MOTION]
        tokens = torch.cat([reference_tokens, motion_tokens])
        split = reference_tokens.shape[0]

        reference_factors = reference_rotary(geometry, position=0, offset=0).to(self.device)
        motion_factors = motion_rotary(geometry).to(self.device)
        factors = Rotary(*(torch.cat(parts) for parts in zip(reference_factors, motion_factors, strict=True)))
        clean = self.time_modulation(0).layers

        for conditioned in memory.conditioned_layers():
            layer = conditioned.layer
            if embedded is not None:
                conditioned.store_text(layer.cross_attn.key_value(embedded))
            query, (key, value) = layer.project(tokens, clean)
            rotated_key = rotate(key, factors)
            conditioned.store_conditions(KeyValue(torch.cat([key[:split], rotated_key[split:]]), value))
            attended = attend(rotate(query, factors), rotated_key, value)
            tokens = layer.finish(tokens, attended, modulation=clean, text=conditioned.text)

    @fastest_attention
    @torch.inference_mode()
    def forward(self, works: Sequence[Work], *, memory: Memory, then: Sequence[Place] = ()) -> list[Tensor]:
        """One pass over the layers: the velocity of each work's block at its step.

        Writes the blocks' keys and values to the rings of their steps. Works of one pass differ in their step, and none
        needs what another one writes; each is computed as if it were alone.

        Args:
            then: the works of the next pass, for a memory plan that looks ahead.

        Returns:
            For each work [16, 3, H/8, W/8] in the model's dtype.
        """
        video = self.cond_encoder.bias + self.trainable_cond_mask.weight[VIDEO]
        tokens = [self._patches(work.latents) + video for work in works]
        for cached in memory.layers([work.at.place for work in works], then):
            layer = cached.layer
            for number, (work, cache) in enumerate(zip(works, cached.caches, strict=True)):
                modulation = work.time.layers
                query, block = layer.project_rotated(tokens[number], modulation, work.at.rotary)
                attended = cache.attend(query, block, work.at)
                found = layer.finish(tokens[number], attended, modulation=modulation, text=cached.text)
                if cached.injection is not None:
                    found = cached.injection.inject(found, work.audio[cached.injection.index])
                tokens[number] = found
        return [self._unpatch(found, work) for found, work in zip(tokens, works, strict=True)]

    def _unpatch(self, tokens: Tensor, work: Work) -> Tensor:
        """tokens [3 * T, dim] -> [16, 3, H/8, W/8]."""
        shape = work.latents.shape
        # Norms make zeros of tokens whose squares overflow, and zeros give pictures: NaN is noticed.
        overflow = torch.linalg.vector_norm(tokens, dtype=torch.float32)
        tokens = tokens + (overflow - overflow).to(tokens.dtype)
        patches = self.head(tokens, work.time.head).view(shape[1], shape[2] // 2, shape[3] // 2, 2, 2, shape[0])
        return patches.permute(5, 0, 1, 3, 2, 4).reshape(shape)

    def _patches(self, latents: Tensor) -> Tensor:
        """[16, frames, H/8, W/8] -> tokens [frames * T, dim], row by row."""
        return self.patch_embedding(latents.to(self.device, self.dtype)).flatten(1).T

    def _embed_text(self, text: Tensor) -> Tensor:
        """Pads with zeros to text_len first: the padding is attended to, as published."""
        text = text.to(self.device, self.dtype)
        return self.text_embedding(F.pad(text, (0, 0, 0, self.config.text_len - text.shape[0])))
