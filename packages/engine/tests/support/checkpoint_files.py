"""Looking into the files of a published layout."""

from __future__ import annotations

from pathlib import Path

from farm_engine.liveavatar.checkpoints.layout import PublishedLayout


def first_shard(layout: PublishedLayout) -> Path:
    return sorted(layout.base.glob("diffusion_pytorch_model-*.safetensors"))[0]
