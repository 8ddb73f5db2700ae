"""Which published files the liveavatar engine needs, and where they go in the weights folder."""

from __future__ import annotations

from dataclasses import dataclass

# `*` matches the numbered shards of the transformer.
TRANSFORMER_SHARDS = "diffusion_pytorch_model-*.safetensors"


@dataclass(frozen=True)
class Repository:
    """Files of one model repository; `folder` is where they go inside the weights folder."""

    name: str
    folder: str
    files: tuple[str, ...]


CATALOG = (
    Repository(
        "Wan-AI/Wan2.2-S2V-14B",
        "Wan2.2-S2V-14B",
        (
            "config.json",
            "diffusion_pytorch_model.safetensors.index.json",
            TRANSFORMER_SHARDS,
            "models_t5_umt5-xxl-enc-bf16.pth",
            "google/umt5-xxl/tokenizer.json",
            "Wan2.1_VAE.pth",
            "wav2vec2-large-xlsr-53-english/config.json",
            "wav2vec2-large-xlsr-53-english/model.safetensors",
        ),
    ),
    Repository("Quark-Vision/Live-Avatar", "LiveAvatar", ("liveavatar.safetensors",)),
)
