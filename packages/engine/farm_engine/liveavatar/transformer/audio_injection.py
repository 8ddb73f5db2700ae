"""Speech conditioning: the causal encoder over wav2vec2 features and the cross-attention that injects it."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farm_engine.liveavatar.transformer.config import AUDIO_LEAD_FRAMES, LATENTS_PER_BLOCK, ModelConfig
from farm_engine.liveavatar.transformer.layers import Attention


class AudioEmbedding(NamedTuple):
    """The audio of some latent frames: `summary` [n, dim] controls the norm, `tokens` [n, 5, dim] are attended to."""

    summary: Tensor
    tokens: Tensor


class AudioKeys(NamedTuple):
    """What one injected layer makes of the audio of some latent frames, the same at every denoising step.

    `shift` and `scale` [n, 1, dim] control the norm; `key` and `value` [n, 5, heads, 128] are attended to.
    """

    shift: Tensor
    scale: Tensor
    key: Tensor
    value: Tensor


class CausalConvolution(nn.Module):
    """1-D convolution that sees only the past; the first value is repeated in front. Always computed in float32."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, kernel_size=3, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (2, 0), mode="replicate")
        return F.conv1d(padded, self.conv.weight.float(), self.conv.bias.float(), stride=self.conv.stride)


class FeatureEncoder(nn.Module):
    """Three causal convolutions that reduce 25 features per second to one embedding per latent frame."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.token_count = config.audio_tokens
        quarter, half = config.dim // 4, config.dim // 2
        self.conv1_local = CausalConvolution(config.audio_dim, quarter * config.audio_tokens, stride=1)
        self.conv1_global = CausalConvolution(config.audio_dim, quarter, stride=1)
        self.conv2 = CausalConvolution(quarter, half, stride=2)
        self.conv3 = CausalConvolution(half, config.dim, stride=2)
        self.final_linear = nn.Linear(config.dim, config.dim)
        self.padding_tokens = nn.Parameter(torch.empty(1, 1, 1, config.dim))

    def forward(self, x: Tensor) -> AudioEmbedding:
        """x [audio_dim, frames] float32 -> one summary and `audio_tokens + 1` tokens for every fourth frame."""
        local = self.conv1_local(x.unsqueeze(0)).unflatten(1, (self.token_count, -1)).squeeze(0)
        local = self._downsample(local).transpose(0, 1)
        padding = self.padding_tokens[0].float().expand(local.shape[0], -1, -1)

        summary = self._downsample(self.conv1_global(x.unsqueeze(0))).squeeze(0)
        summary = F.linear(summary, self.final_linear.weight.float(), self.final_linear.bias.float())
        return AudioEmbedding(summary, torch.cat([local, padding], dim=1))

    def _downsample(self, x: Tensor) -> Tensor:
        """[batch, dim / 4, frames] -> [batch, ceil(frames / 4), dim]."""
        x = self.conv2(_norm_channels(x))
        x = self.conv3(_norm_channels(x))
        return _norm_channels(x).transpose(1, 2)


def _norm_channels(x: Tensor) -> Tensor:
    """LayerNorm without weights over the channels of [batch, channels, frames], then SiLU."""
    return F.silu(F.layer_norm(x.transpose(1, 2), (x.shape[1],), eps=1e-6)).transpose(1, 2)


class AudioEncoder(nn.Module):
    """Mixes the hidden layers of wav2vec2 with learned weights and encodes the mix."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.empty(1, config.audio_layers, 1, 1))
        self.encoder = FeatureEncoder(config)

    def forward(self, features: Tensor) -> AudioEmbedding:
        """features [layers, audio_dim, 12], one block -> the embedding of its 3 latent frames, in the weights' dtype.

        The block's first feature is repeated 73 times in front: a block depends on its own frames only.
        """
        features = features.to(self.weights.dtype)
        features = torch.cat([features[..., :1].expand(-1, -1, AUDIO_LEAD_FRAMES), features], dim=-1)
        weights = F.silu(self.weights[0])
        mixed = ((features * weights).float() / weights.float().sum(0)).sum(0)
        summary, tokens = self.encoder(mixed)
        return AudioEmbedding(*(part[-LATENTS_PER_BLOCK:].to(features.dtype) for part in (summary, tokens)))


class AdaptiveNorm(nn.Module):
    """The weights of a LayerNorm whose shift and scale come from the audio summary of the token's latent frame."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(config.dim, 2 * config.dim)

    def shift_and_scale(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """summary [frames, dim] -> two of [frames, 1, dim]."""
        shift, scale = self.linear(F.silu(summary)).unsqueeze(1).chunk(2, dim=-1)
        return shift, scale


class AudioInjection:
    """One injected layer: adaptive norm, then cross-attention from video tokens to audio.

    Not a module, so that parameter names stay those of the checkpoint. `index` is its place among the injected layers.
    """

    def __init__(self, index: int, norm: AdaptiveNorm, attention: Attention) -> None:
        self.index, self.norm, self.attention = index, norm, attention

    def keys(self, audio: AudioEmbedding) -> AudioKeys:
        return AudioKeys(*self.norm.shift_and_scale(audio.summary), *self.attention.key_value(audio.tokens))

    def inject(self, tokens: Tensor, audio: AudioKeys) -> Tensor:
        """tokens [3 * T, dim] -> tokens with the audio added; latent frame i attends to `audio.key[i]` only."""
        frames = tokens.unflatten(0, (LATENTS_PER_BLOCK, -1)).float()
        normed = F.layer_norm(frames, (frames.shape[-1],), eps=1e-5) * (1 + audio.scale) + audio.shift
        query = self.attention.query(normed.to(tokens.dtype))
        return tokens + self.attention.o(_attend_to_few(query, audio.key, audio.value)).flatten(0, 1)


def _attend_to_few(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention per frame, written out: five keys are too few for the fused kernels.

    query [3, T, heads, 128], key and value [3, 5, heads, 128] -> [3, T, heads * 128].
    """
    scores = torch.einsum("fqhd,fkhd->fhqk", query.float(), key.float()) * query.shape[-1] ** -0.5
    return torch.einsum("fhqk,fkhd->fqhd", scores.softmax(-1), value.float()).to(query.dtype).flatten(2)


class AudioInjector(nn.Module):
    """The parameters of all injected layers, and `stages`, the layers that use them, in order."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        count = len(config.audio_inject_layers)
        self.injector = nn.ModuleList(Attention(config) for _ in range(count))
        self.injector_adain_layers = nn.ModuleList(AdaptiveNorm(config) for _ in range(count))
        parts = zip(self.injector_adain_layers, self.injector, strict=True)
        self.stages = [AudioInjection(index, norm, attention) for index, (norm, attention) in enumerate(parts)]
