"""Run by test_border_state.py: continues from a border state in its own process and saves the next clip's latents."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformer_inputs import clip_audio

from farm_engine.liveavatar.checkpoints.random_weights import fill_with_random_weights
from farm_engine.liveavatar.sampling.border_state import BorderState
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.transformer.config import TINY
from farm_engine.liveavatar.transformer.model import DiffusionTransformer

torch.set_num_threads(1)
model = DiffusionTransformer(TINY)
fill_with_random_weights(model)
rollout = Rollout.resume(model, BorderState.from_bytes(Path(sys.argv[1]).read_bytes()))
torch.save(torch.cat(list(rollout.render_clip(clip_audio(rollout.clip))), dim=1), sys.argv[2])
