"""Compiling the repeated parts of the transformer."""

from __future__ import annotations

import torch

from farm_engine.liveavatar.transformer.model import DiffusionTransformer


def compile_layers(model: DiffusionTransformer, *, backend: str = "inductor") -> None:
    """Compiles what is computed between two uses of the caches, in place; call it once, before the first block.

    All layers share four programs: before self-attention, the reference keys, after self-attention, audio injection.
    Self-attention is left out, because its number of keys grows while the rings fill. So the programs' shapes are fixed
    and nothing is compiled again, except for another video size. A prefill runs uncompiled.
    """
    for layer in model.blocks:
        layer.project_rotated = torch.compile(layer.project_rotated, dynamic=False, backend=backend)
        layer.rotate_reference = torch.compile(layer.rotate_reference, dynamic=False, backend=backend)
        layer.finish = torch.compile(layer.finish, dynamic=False, backend=backend)
    for stage in model.audio_injector.stages:
        stage.inject = torch.compile(stage.inject, dynamic=False, backend=backend)
