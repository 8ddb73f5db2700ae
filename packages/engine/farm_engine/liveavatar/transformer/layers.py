"""The transformer layer and its parts.

Attribute names are those of the published checkpoint. Rounding points are part of the model: with bfloat16 weights the
residual stream is bfloat16 between layers and float32 inside one, modulation is float32, projections are bfloat16.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farm_engine.liveavatar.transformer.config import ModelConfig
from farm_engine.liveavatar.transformer.rotary import Rotary, rotate


class KeyValue(NamedTuple):
    """Keys and values of some tokens: two tensors [tokens, heads, 128]."""

    key: Tensor
    value: Tensor

    def copy_(self, other: KeyValue) -> None:
        self.key.copy_(other.key)
        self.value.copy_(other.value)


class RMSNorm(nn.Module):
    """Root-mean-square norm over the whole width, not per head; the statistics are float32."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        # Not through F.rms_norm's own weight argument: the published model rounds to bfloat16 before it.
        return F.rms_norm(x, self.weight.shape, eps=self.eps) * self.weight


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention without a mask. query [N, heads, 128], key and value [M, heads, 128] -> [N, heads * 128]."""
    heads_first = [part.transpose(0, 1).unsqueeze(0) for part in (query, key, value)]
    return F.scaled_dot_product_attention(*heads_first).squeeze(0).transpose(0, 1).flatten(1)


class Attention(nn.Module):
    """Projections of one attention, with normed queries and keys."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.q = nn.Linear(config.dim, config.dim)
        self.k = nn.Linear(config.dim, config.dim)
        self.v = nn.Linear(config.dim, config.dim)
        self.o = nn.Linear(config.dim, config.dim)
        self.norm_q = RMSNorm(config.dim, config.eps)
        self.norm_k = RMSNorm(config.dim, config.eps)

    def query(self, x: Tensor) -> Tensor:
        return self.norm_q(self.q(x)).unflatten(-1, (self.num_heads, -1))

    def key_value(self, x: Tensor) -> KeyValue:
        key = self.norm_k(self.k(x)).unflatten(-1, (self.num_heads, -1))
        return KeyValue(key, self.v(x).unflatten(-1, (self.num_heads, -1)))


class TransformerLayer(nn.Module):
    """Self-attention, text cross-attention and feed-forward, each on a modulated residual.

    It is split where keys and values meet the caches: `project` before self-attention, `finish` after it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dim, self.eps = config.dim, config.eps
        self.self_attn = Attention(config)
        self.norm3 = nn.LayerNorm(config.dim, eps=config.eps)
        self.cross_attn = Attention(config)
        self.ffn = nn.Sequential(
            nn.Linear(config.dim, config.ffn_dim), nn.GELU(approximate="tanh"), nn.Linear(config.ffn_dim, config.dim)
        )
        self.modulation = nn.Parameter(torch.empty(1, 6, config.dim))

    def project(self, tokens: Tensor, modulation: Tensor) -> tuple[Tensor, KeyValue]:
        """tokens [N, dim], modulation [6, dim] float32 -> query [N, heads, 128] and key/value, none of them rotated."""
        shift, scale = (self.modulation[0] + modulation)[0:2]
        normed = self._norm(tokens).float() * (1 + scale) + shift
        normed = normed.to(tokens.dtype)
        return self.self_attn.query(normed), self.self_attn.key_value(normed)

    def project_rotated(self, tokens: Tensor, modulation: Tensor, rotary: Rotary) -> tuple[Tensor, KeyValue]:
        """Like `project`, with query and key rotated: what video tokens need."""
        query, (key, value) = self.project(tokens, modulation)
        return rotate(query, rotary), KeyValue(rotate(key, rotary), value)

    def rotate_reference(self, key: Tensor, reference: Rotary) -> Tensor:
        """Stored keys of the reference [T, heads, 128], rotated to where a block sees it."""
        return rotate(key, reference)

    def finish(self, tokens: Tensor, attended: Tensor, *, modulation: Tensor, text: KeyValue) -> Tensor:
        """Adds self-attention's result [N, dim], then cross-attention to the text, then the feed-forward."""
        gate, feed_shift, feed_scale, feed_gate = (self.modulation[0] + modulation)[2:6]
        residual = tokens + self.self_attn.o(attended) * gate

        query = self.cross_attn.query(self.norm3(residual.to(tokens.dtype)))
        residual = residual + self.cross_attn.o(attend(query, *text))

        normed = self._norm(residual) * (1 + feed_scale) + feed_shift
        return (residual + self.ffn(normed.to(tokens.dtype)) * feed_gate).to(tokens.dtype)

    def _norm(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, (self.dim,), eps=self.eps)
