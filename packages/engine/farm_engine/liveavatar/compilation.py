"""Compiles the repeated parts of the transformer."""

from __future__ import annotations

import torch

from farm_engine.liveavatar.model import DiffusionTransformer


def compile_layers(model: DiffusionTransformer, *, backend: str = "inductor") -> None:
    """Compiles what stands between the caches, in place; call it once, before the first block.

    All layers share four programs: before self-attention, the condition keys, after self-attention, audio injection.
    Self-attention stays outside, as its number of keys grows while the rings fill: so the programs' shapes are fixed
    and nothing is compiled again, except for another video size. A prefill runs uncompiled.
    """
    for block in model.blocks:
        block.project_rotated = torch.compile(block.project_rotated, dynamic=False, backend=backend)
        block.condition_key = torch.compile(block.condition_key, dynamic=False, backend=backend)
        block.finish = torch.compile(block.finish, dynamic=False, backend=backend)
    for stage in model.audio_injector.stages:
        stage.inject = torch.compile(stage.inject, dynamic=False, backend=backend)
