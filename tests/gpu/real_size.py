"""The 14-billion-parameter model with random weights, and inputs for it."""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor, nn

from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.transformer.config import FRAMES_PER_CLIP, MOTION_LATENTS, Geometry, ModelConfig
from farm_engine.liveavatar.transformer.model import DiffusionTransformer

PROMPT_TOKENS = 100


def build_model(config: ModelConfig) -> DiffusionTransformer:
    """bfloat16 on a GPU (float32 on a CPU), weights drawn there: 16 billion draws on the CPU would take minutes."""
    gpu = torch.cuda.is_available()
    with torch.device("meta"):
        model = DiffusionTransformer(config).to(torch.bfloat16 if gpu else torch.float32)
    model.to_empty(device="cuda" if gpu else "cpu")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            _fill(name, parameter)
    return model


def _fill(name: str, parameter: nn.Parameter) -> None:
    """Seeded by the name. Matrices have variance 1 / fan-in, norm scales are near 1, biases near 0."""
    generator = torch.Generator(parameter.device).manual_seed(_seed(name))
    if name.endswith("norm_q.weight") or name.endswith("norm_k.weight") or name.endswith("norm3.weight"):
        parameter.normal_(1.0, 0.1, generator=generator)
    elif name.endswith("audio_encoder.weights"):
        parameter.uniform_(0.4, 0.6, generator=generator)
    elif parameter.ndim == 1:
        parameter.normal_(0.0, 0.05, generator=generator)
    else:
        parameter.normal_(0.0, 1 / math.sqrt(parameter[0].numel()), generator=generator)


def normal(name: str, *shape: int) -> Tensor:
    """Standard normal float32 on the CPU, from the name alone."""
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(_seed(name)))


def conditions(geometry: Geometry, config: ModelConfig) -> Conditions:
    plane = (geometry.latent_height, geometry.latent_width)
    return Conditions(
        reference=normal("reference", 16, 1, *plane),
        motion=normal("motion", 16, MOTION_LATENTS, *plane),
        text=normal("text", min(PROMPT_TOKENS, config.text_len), config.text_dim),
    )


def clip_audio(clip: int, config: ModelConfig) -> Tensor:
    return normal(f"audio/{clip}", config.audio_layers, config.audio_dim, FRAMES_PER_CLIP)


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
