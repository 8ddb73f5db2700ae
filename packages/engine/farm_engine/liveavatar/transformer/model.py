"""The causal speech-to-video diffusion transformer: parameters, prefill of the conditions, denoising forward pass."""

from __future__ import annotations

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
)
from farm_engine.liveavatar.transformer.caches import LayerWithCaches, Memory
from farm_engine.liveavatar.transformer.config import Geometry, ModelConfig
from farm_engine.liveavatar.transformer.framepack import FramePacker
from farm_engine.liveavatar.transformer.layers import KeyValue, TransformerLayer, attend
from farm_engine.liveavatar.transformer.rotary import Rotary, motion_rotary, reference_rotary, rotate

VIDEO, REFERENCE, MOTION = 0, 1, 2
"""Rows of `trainable_cond_mask`, the embedding that tells the kinds of token apart."""


class TimeModulation(NamedTuple):
    """A timestep as used inside, float32: `head` [dim] for the output head, `layers` [6, dim] for each layer."""

    head: Tensor
    layers: Tensor


class OutputHead(nn.Module):
    """Modulated norm and projection to patches, in float32."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.head = nn.Linear(config.dim, config.latent_channels * 4)
        self.modulation = nn.Parameter(torch.empty(1, 2, config.dim))

    def forward(self, tokens: Tensor, time: Tensor) -> Tensor:
        shift, scale = self.modulation[0] + time
        normed = F.layer_norm(tokens, (tokens.shape[-1],), eps=self.eps) * (1 + scale) + shift
        return F.linear(normed, self.head.weight.float(), self.head.bias.float()).to(tokens.dtype)


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
            nn.Linear(config.frequency_dim, config.dim), nn.SiLU(), nn.Linear(config.dim, config.dim)
        )
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(config.dim, 6 * config.dim))
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

    def text_projections(self) -> dict[str, nn.Linear]:
        """By name, the layers that make keys and values of the text: only a prefill that is given a text uses them."""
        return {
            f"blocks.{index}.cross_attn.{part}": getattr(layer.cross_attn, part)
            for index, layer in enumerate(self.blocks)
            for part in ("k", "v")
        }

    def time_modulation(self, timestep: float) -> TimeModulation:
        """timestep: 0 (clean) to 1000 (noise)."""
        half = self.config.frequency_dim // 2
        frequencies = torch.pow(10000, -torch.arange(half, dtype=torch.float64) / half)
        angles = timestep * frequencies
        embedding = torch.cat([angles.cos(), angles.sin()]).float().to(self.device)
        first, _, second = self.time_embedding
        head = _linear_float32(second, F.silu(_linear_float32(first, embedding)))
        return TimeModulation(head, _linear_float32(self.time_projection[1], F.silu(head)).unflatten(0, (6, -1)))

    def embed_audio(self, features: Tensor) -> AudioEmbedding:
        """features [25, audio_dim, 12]: one block's frames."""
        return self.casual_audio_encoder(features.to(self.device))

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

        for cached in memory.layers(step=None):
            if embedded is not None:
                _store(cached.text, cached.layer.cross_attn.key_value(embedded))
            query, (key, value) = cached.layer.project(tokens, clean)
            rotated_key = rotate(key, factors)
            _store(cached.condition, KeyValue(torch.cat([key[:split], rotated_key[split:]]), value))
            attended = attend(rotate(query, factors), rotated_key, value)
            tokens = cached.layer.finish(tokens, attended, modulation=clean, text=cached.text)

    @fastest_attention
    @torch.inference_mode()
    def forward(
        self,
        latents: Tensor,
        *,
        step: int,
        time: TimeModulation,
        audio: AudioEmbedding,
        position: BlockPosition,
        memory: Memory,
    ) -> Tensor:
        """Velocity of one block at one denoising step; writes the block's keys and values to that step's rings.

        Args:
            latents: [16, 3, H/8, W/8].
            step: index of the denoising step, which chooses the rings.
            time: `time_modulation` of the step's timestep.
            audio: `embed_audio` of the block's twelve features.

        Returns:
            [16, 3, H/8, W/8] in the model's dtype.
        """
        tokens = self._patches(latents) + self.cond_encoder.bias + self.trainable_cond_mask.weight[VIDEO]

        for cached in memory.layers(step):
            query, block = cached.layer.project_rotated(tokens, time.layers, position.rotary)
            cached.ring.write(position.slot, block)
            attended = _attend_to_caches(query, cached, position)
            tokens = cached.layer.finish(tokens, attended, modulation=time.layers, text=cached.text)
            if cached.injection is not None:
                tokens = cached.injection.inject(tokens, audio)

        patches = self.head(tokens, time.head)
        rows, columns = latents.shape[2] // 2, latents.shape[3] // 2
        patches = patches.view(latents.shape[1], rows, columns, 2, 2, self.config.latent_channels)
        return patches.permute(5, 0, 1, 3, 2, 4).reshape(latents.shape)

    def _patches(self, latents: Tensor) -> Tensor:
        """[16, frames, H/8, W/8] -> tokens [frames * T, dim], row by row."""
        return self.patch_embedding(latents.to(self.device, self.dtype)).flatten(1).T

    def _embed_text(self, text: Tensor) -> Tensor:
        """Pads with zeros to text_len first: the padding is attended to, as published."""
        text = text.to(self.device, self.dtype)
        return self.text_embedding(F.pad(text, (0, 0, 0, self.config.text_len - text.shape[0])))


class BlockPosition(NamedTuple):
    """Where a block is in the video and in the rings.

    `slot` 0 to 3 is its place in the rings, `filled` the number of slots that hold a block once it is written,
    `rotary` the factors of its tokens [3 * T], `reference` those of the reference [T] as seen from it.
    """

    slot: int
    filled: int
    rotary: Rotary
    reference: Rotary


def _attend_to_caches(query: Tensor, cached: LayerWithCaches, position: BlockPosition) -> Tensor:
    """Attention to ring and conditions. A function, so that their copies (0.3 GiB at 704x384) are freed early."""
    past = cached.ring.filled(position.filled)
    key = torch.cat([past.key, cached.layer.condition_key(cached.condition.key, position.reference)])
    value = torch.cat([past.value, cached.condition.value])
    return attend(query, key, value)


def _store(cache: KeyValue, new: KeyValue) -> None:
    for stored, fresh in zip(cache, new, strict=True):
        stored.copy_(fresh)


def _linear_float32(linear: nn.Linear, x: Tensor) -> Tensor:
    return F.linear(x, linear.weight.float(), linear.bias.float())
