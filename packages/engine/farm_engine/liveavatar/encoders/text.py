"""The prompt's embedding: the encoder half of umt5-xxl, through transformers."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import ftfy
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import UMT5Config, UMT5EncoderModel

from farm_engine.liveavatar.memory.layerwise import compute_layer_by_layer

UMT5_XXL = {"vocab_size": 256384, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_heads": 64, "num_layers": 24}
TINY = {"vocab_size": 384, "d_model": 64, "d_kv": 16, "d_ff": 96, "num_heads": 4, "num_layers": 2}

_OF_MODEL = {"token_embedding.weight": "shared.weight", "norm.weight": "encoder.final_layer_norm.weight"}
_OF_LAYER = {
    "norm1.weight": "layer.0.layer_norm.weight",
    **{f"attn.{part}.weight": f"layer.0.SelfAttention.{part}.weight" for part in "qkvo"},
    "pos_embedding.embedding.weight": "layer.0.SelfAttention.relative_attention_bias.weight",
    "norm2.weight": "layer.1.layer_norm.weight",
    "ffn.gate.0.weight": "layer.1.DenseReluDense.wi_0.weight",
    "ffn.fc1.weight": "layer.1.DenseReluDense.wi_1.weight",
    "ffn.fc2.weight": "layer.1.DenseReluDense.wo.weight",
}


def parameter_names(num_layers: int) -> dict[str, str]:
    """From the names in the published `models_t5_umt5-xxl-enc-bf16.pth` to those in transformers' model."""
    layers = {
        f"blocks.{layer}.{published}": f"encoder.block.{layer}.{name}"
        for layer in range(num_layers)
        for published, name in _OF_LAYER.items()
    }
    return {**_OF_MODEL, **layers}


def build_text_model(sizes: dict[str, int]) -> UMT5EncoderModel:
    """An encoder with uninitialized weights, ready for inference."""
    config = UMT5Config(
        **sizes,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=128,
        feed_forward_proj="gated-gelu",
        layer_norm_epsilon=1e-6,
        dropout_rate=0.0,
    )
    return UMT5EncoderModel(config).eval().requires_grad_(False)


def clean_prompt(prompt: str) -> str:
    """Repair broken characters and entities and fold white space, as the model's training texts were cleaned."""
    repaired = html.unescape(html.unescape(ftfy.fix_text(prompt)))
    return re.sub(r"\s+", " ", repaired).strip()


@dataclass(frozen=True, kw_only=True)
class EncodedPrompt:
    """`embedding` [L, d_model] of the prompt's L tokens; `dropped_tokens` at its end did not fit."""

    embedding: Tensor
    dropped_tokens: int


class TextEncoder:
    """Embeds prompts. Only real tokens are computed: masked padding, as in the original, would not change them."""

    def __init__(self, model: UMT5EncoderModel, tokenizer: Tokenizer, *, device: torch.device, max_tokens: int) -> None:
        """`model` stays in host memory; if `device` is another one, its layers are copied there one at a time."""
        self.model = model
        self._device = device
        if device.type != "cpu":
            compute_layer_by_layer([*model.encoder.block, model.encoder.final_layer_norm], device)
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens

    @torch.no_grad()
    def encode(self, prompt: str) -> EncodedPrompt:
        """The prompt's embedding in the model's dtype, at most `max_tokens` long, the end token included."""
        ids = self._tokenizer.encode(clean_prompt(prompt)).ids
        kept = ids if len(ids) <= self._max_tokens else [*ids[: self._max_tokens - 1], ids[-1]]
        tokens = self.model.shared(torch.tensor([kept])).to(self._device)
        return EncodedPrompt(
            embedding=self.model(inputs_embeds=tokens).last_hidden_state[0], dropped_tokens=len(ids) - len(kept)
        )
