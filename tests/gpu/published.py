"""Runs the published transformer from a checkout of github.com/Alibaba-Quark/LiveAvatar, as its pipeline would.

Its packages import far more than the transformer when they are initialized, so they are entered as bare packages.
flash-attn, where missing, is replaced by PyTorch's scaled dot-product attention for the two cross-attentions.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
import types
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.sampling.schedule import Schedule
from farm_engine.liveavatar.transformer.config import AUDIO_LEAD_FRAMES, MOTION_LATENTS, Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer

_CONDITION_TOKENS = 2800
_WAN = "liveavatar.models.wan"


class PublishedTransformer:
    """Their transformer on our model's weights (shared, not copied), with the caches of their single-GPU pipeline."""

    def __init__(
        self,
        checkout: Path,
        ours: DiffusionTransformer,
        geometry: Geometry,
        *,
        steps: int,
        compiled: bool = False,
        cross_attention: SDPBackend = SDPBackend.FLASH_ATTENTION,
    ) -> None:
        self.geometry, self.schedule, self.config = geometry, Schedule.of(steps), ours.config
        self.device, self.dtype, self._compiled = ours.device, ours.dtype, compiled
        self.model = _build(_load(checkout, compiled, cross_attention), ours)
        shape = (1, _CONDITION_TOKENS, ours.config.num_heads, ours.config.head_dim)
        shared = [
            {"cond_k": self._zeros(shape), "cond_v": self._zeros(shape), "cond_end": self._zeros((1,)).long()}
            for _ in ours.blocks
        ]
        shape = (1, geometry.ring_tokens, ours.config.num_heads, ours.config.head_dim)
        self._rings = [
            [{"k": self._zeros(shape), "v": self._zeros(shape), **cache} for cache in shared] for _ in range(steps)
        ]

    def prefill(self, conditions: Conditions) -> None:
        latents = torch.zeros(16, 3, self.geometry.latent_height, self.geometry.latent_width)
        audio = torch.zeros(self.config.audio_layers, self.config.audio_dim, 12)
        self._call(latents, timestep=0.0, step=0, audio=audio, conditions=conditions, block=0, sink_flag=True)

    def velocities(
        self, inputs: list[Tensor], audio: Tensor, *, conditions: Conditions, block: int, offsets: list[int]
    ) -> Iterator[Tensor]:
        """Velocities of one block at every step for given step inputs; the Euler step is done and dropped."""
        for step, timestep in enumerate(self.schedule.timesteps):
            if not self._compiled:  # a replaced function would be compiled again on every call
                random.randint = lambda _low, _high, offset=offsets[step]: offset
            where = {"timestep": timestep, "step": step, "block": block}
            velocity = self._call(inputs[step], audio=audio, conditions=conditions, **where)
            self.schedule.advance(inputs[step].to(velocity), velocity, step)
            yield velocity

    @torch.no_grad()
    def _call(
        self,
        latents: Tensor,
        *,
        timestep: float,
        step: int,
        audio: Tensor,
        conditions: Conditions,
        block: int,
        **extra,
    ) -> Tensor:
        def put(tensor: Tensor) -> Tensor:
            return tensor.to(self.device, self.dtype)

        tokens = self.geometry.tokens_per_block
        with torch.amp.autocast("cuda", dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            return self.model(
                [put(latents)],
                t=torch.full((1, 3), timestep, device=self.device),
                context=[put(conditions.text)],
                seq_len=None,
                ref_latents=put(conditions.reference)[None],
                motion_latents=put(conditions.motion)[None],
                cond_states=torch.zeros_like(put(latents))[None],
                audio_input=put(audio)[None],
                motion_frames=[AUDIO_LEAD_FRAMES, MOTION_LATENTS],
                drop_motion_frames=False,
                kv_cache=self._rings[step],
                crossattn_cache=[{} for _ in self.model.blocks],
                current_start=block * tokens,
                current_end=(block + 1) * tokens,
                **extra,
            )[0]

    def _zeros(self, shape: tuple[int, ...]) -> Tensor:
        return torch.zeros(shape, dtype=self.dtype, device=self.device)


def _build(module: types.ModuleType, ours: DiffusionTransformer) -> torch.nn.Module:
    config = ours.config
    parent = module.CausalWanModel_S2V
    parent.init_weights = parent.zero_init_weights = lambda _: None
    with torch.device("meta"):
        model = parent(
            cond_dim=config.latent_channels,
            audio_dim=config.audio_dim,
            num_audio_token=config.audio_tokens,
            enable_adain=True,
            audio_inject_layers=list(config.audio_inject_layers),
            zero_timestep=True,
            enable_motioner=False,
            enable_framepack=True,
            framepack_drop_mode="padd",
            text_len=config.text_len,
            dim=config.dim,
            ffn_dim=config.ffn_dim,
            freq_dim=config.frequency_dim,
            text_dim=config.text_dim,
            num_heads=config.num_heads,
            num_layers=config.num_layers,
        )
    model.load_state_dict(ours.state_dict(), strict=True, assign=True)
    model.frame_packer.zip_frame_buckets = torch.tensor([1, 2, 16])
    return model.eval().requires_grad_(False)


def _load(checkout: Path, compiled: bool, cross_attention: SDPBackend) -> types.ModuleType:
    """Whether it compiles is decided by the first call in a process."""
    os.environ["ENABLE_COMPILE"] = str(compiled).lower()
    names = ["liveavatar", "liveavatar.models", "liveavatar.utils", _WAN, f"{_WAN}.wan_2_2"]
    names += [f"{_WAN}.wan_2_2.{part}" for part in ("modules", "modules.s2v", "distributed")]
    for name in names:
        package = types.ModuleType(name)
        package.__path__ = [str(checkout.joinpath(*name.split(".")))]
        sys.modules[name] = package
    module = importlib.import_module(f"{_WAN}.causal_model_s2v")
    base = importlib.import_module(f"{_WAN}.wan_2_2.modules.model")
    attention = importlib.import_module(f"{_WAN}.wan_2_2.modules.attention")
    motioner = importlib.import_module(f"{_WAN}.causal_motioner")
    if not (attention.FLASH_ATTN_2_AVAILABLE or attention.FLASH_ATTN_3_AVAILABLE):
        base.flash_attention = partial(_scaled_dot_product_attention, cross_attention)
    for part in (module, motioner):
        if not hasattr(part.rope_params, "on_the_cpu"):
            part.rope_params = _on_the_cpu(part.rope_params)
    return module


def _scaled_dot_product_attention(
    backend: SDPBackend, query: Tensor, key: Tensor, value: Tensor, **_: object
) -> Tensor:
    heads_first = (part.to(value.dtype).transpose(1, 2) for part in (query, key, value))
    with sdpa_kernel([backend, SDPBackend.MATH], set_priority=True):
        return F.scaled_dot_product_attention(*heads_first).transpose(1, 2)


def _on_the_cpu(function):
    """Rotary tables stay real while the parameters are built on the meta device."""

    def wrapped(*arguments):
        with torch.device("cpu"):
            return function(*arguments)

    wrapped.on_the_cpu = True
    return wrapped
