"""Where the GPU's memory goes, by arithmetic: what tensors take at each size, without a GPU, in a minute.

    PYTHONPATH=packages/engine python benchmarks/liveavatar-engine/budget.py [384x256 704x384 ...]

The engine's own code runs on fake tensors, which have shapes and devices and no memory; every tensor that lives is
counted from its creation to its end. What no tensor shows was measured on an H200 and is added by name: the CUDA
context, workspaces of cuDNN and cuBLAS, and what the allocator rounds up.
"""

from __future__ import annotations

import dataclasses
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from farm_engine.liveavatar.checkpoints.models import PUBLISHED
from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.conditions.encoder import encode_still
from farm_engine.liveavatar.encoders import speech, text
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.serving.online_decoder import to_bytes
from farm_engine.liveavatar.transformer.config import FRAMES_PER_CLIP, LIVE_AVATAR_14B, MOTION_LATENTS, Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from farm_engine.liveavatar.vae.autoencoder import VideoAutoencoder

GIB = 1 << 30
SIZES = ("384x256", "640x384", "704x384", "640x448")
SPEECH_SECONDS = 30

CONTEXT_GIB = 0.69
"""Measured on an H200 with the transformer: what the driver counts beyond the allocator's reserve."""
KERNEL_WORKSPACE_GIB = {"transformer": 0.27, "decoder": 0.55}
"""Measured peak of tensors less the peak counted here: workspaces that kernels take from the allocator."""

DENOISING, DECODING = "denoising, activations", "decoding, activations"
PORTRAIT, HEARING = "encoding the portrait, before rings", f"hearing a window of {SPEECH_SECONDS} s, between clips"
PASSING = (DENOISING, DECODING, PORTRAIT, HEARING)

Bytes = dict[str, float]


class LiveBytes(TorchDispatchMode):
    """Bytes of all tensors on the fake GPU, from their creation to their end: `now`, and the `peak`."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen: weakref.WeakSet = weakref.WeakSet()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and leaf.device.type == "cuda":
                self._count(leaf.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, storage.nbytes())

    def _forget(self, count: int) -> None:
        self.now -= count

    @contextmanager
    def transient(self, found: Bytes, name: str) -> Iterator[None]:
        """Notes by how much the peak of the work inside exceeds what lives before or after it."""
        before, self.peak = self.now, self.now
        yield
        found[name] = self.peak - max(before, self.now)


def weights_on_device() -> Bytes:
    """bfloat16 bytes of what stays there."""
    with torch.device("meta"):
        transformer, vae = DiffusionTransformer(LIVE_AVATAR_14B), VideoAutoencoder(PUBLISHED.vae)
        hearing = speech.build_speech_model(speech.published_config(speech.WAV2VEC2_LARGE))
    return {
        "transformer, LoRA merged, without what is rarely used": 2 * (_count(transformer) - _rarely_used(transformer)),
        "speech encoder wav2vec2": 2 * _count(hearing),
        "autoencoder": 2 * _count(vae),
    }


def weights_on_host() -> Bytes:
    with torch.device("meta"):
        transformer, encoder = DiffusionTransformer(LIVE_AVATAR_14B), text.build_text_model(text.UMT5_XXL)
    return {
        "projections of text and speech": 2 * _rarely_used(transformer),
        "text encoder umt5-xxl": 2 * _count(encoder),
    }


def _rarely_used(transformer: DiffusionTransformer) -> int:
    return sum(layer.weight.numel() for layer in transformer.rarely_used_layers().values())


def at_size(geometry: Geometry, live: LiveBytes) -> Bytes:
    """What depends on the size; a transformer of few layers stands for all, except in its caches."""
    found: Bytes = {}
    _denoise(geometry, live, found)
    _decode(geometry, live, found)
    _hear(live, found)
    return found


def _denoise(geometry: Geometry, live: LiveBytes, found: Bytes) -> None:
    config = dataclasses.replace(LIVE_AVATAR_14B, num_layers=2, audio_inject_layers=(0,))
    model = _bfloat16(lambda: DiffusionTransformer(config))
    plane = (geometry.latent_height, geometry.latent_width)
    conditions = Conditions(
        reference=torch.empty(16, 1, *plane),
        motion=torch.empty(16, MOTION_LATENTS, *plane),
        text=torch.empty(100, 4096),
    )
    token = 2 * 2 * LIVE_AVATAR_14B.dim * LIVE_AVATAR_14B.num_layers
    found["rings of 4 steps"] = 4 * geometry.ring_tokens * token
    found["conditions, twice, and reference keys"] = (
        2 * geometry.condition_tokens + geometry.tokens_per_latent / 2
    ) * token
    found["text caches"] = LIVE_AVATAR_14B.text_len * token
    rollout = Rollout(model, conditions, RolloutSettings(width=geometry.width, height=geometry.height, seed=0))
    with live.transient(found, DENOISING):
        for _ in rollout.render_clip(torch.empty(25, 1024, FRAMES_PER_CLIP, device="cuda")):
            pass


def _decode(geometry: Geometry, live: LiveBytes, found: Bytes) -> None:
    vae = _bfloat16(lambda: VideoAutoencoder(PUBLISHED.vae))
    stream = vae.open_decoder()
    latent = torch.empty(16, 1, geometry.latent_height, geometry.latent_width, device="cuda")
    stream.decode(latent)
    with live.transient(found, DECODING):
        for _ in range(3):
            to_bytes(stream.decode(latent))
    found["decoder's past frames"] = stream.byte_count()
    with live.transient(found, PORTRAIT):
        encode_still(vae, torch.empty(3, geometry.height, geometry.width))


def _hear(live: LiveBytes, found: Bytes) -> None:
    sizes = speech.published_config(speech.WAV2VEC2_LARGE)
    model = _bfloat16(lambda: speech.build_speech_model(sizes))
    samples = np.zeros(SPEECH_SECONDS * speech.SAMPLES_PER_SECOND, dtype=np.float32)
    before = live.now
    features = speech.SpeechFeatures(model, samples, margin_before=0, sample_count=len(samples))
    with live.transient(found, HEARING):
        features.frames(0, FRAMES_PER_CLIP)
    found["speech features, two windows"] = 2 * (live.now - before)


def _bfloat16(build) -> nn.Module:
    """Built in bfloat16: fake parameters cannot be cast in place."""
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda"):
            return build().requires_grad_(False)
    finally:
        torch.set_default_dtype(torch.float32)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def table(sizes: list[str]) -> list[tuple[str, list[float]]]:
    """Rows in GiB: the weights, what depends on the size, and the sums."""
    geometries = [Geometry(**dict(zip(("width", "height"), map(int, size.split("x")), strict=True))) for size in sizes]
    # A fused kernel takes no more than its result; without a GPU PyTorch would take the attention apart.
    F.scaled_dot_product_attention = lambda query, key, value, *_, **__: torch.empty_like(query)
    with FakeTensorMode(allow_non_fake_inputs=True), LiveBytes() as live:
        columns = [{**weights_on_device(), **at_size(geometry, live)} for geometry in geometries]
    beyond = CONTEXT_GIB + sum(KERNEL_WORKSPACE_GIB.values())
    rest = [sum(count for name, count in column.items() if name not in PASSING) / GIB for column in columns]
    peak = [still + (column[DENOISING] + column[DECODING]) / GIB for still, column in zip(rest, columns, strict=True)]
    return [
        *((name, [column[name] / GIB for column in columns]) for name in columns[0]),
        ("= tensors between two blocks", rest),
        ("= tensors at the peak, denoising and decoding", peak),
        ("context and workspaces, measured", [beyond] * len(sizes)),
        ("= peak as the driver counts it, at least", [tensors + beyond for tensors in peak]),
        *((f"in host memory: {name}", [count / GIB] * len(sizes)) for name, count in weights_on_host().items()),
    ]


def main() -> None:
    sizes = sys.argv[1:] or list(SIZES)
    print(f"{'GiB':52}" + "".join(f"{size:>10}" for size in sizes))
    for name, values in table(sizes):
        print(f"{name:52}" + "".join(f"{value:10.2f}" for value in values))


if __name__ == "__main__":
    main()
