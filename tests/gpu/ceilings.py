"""What this card reaches on the transformer's own shapes, and which kernels a block spends its time in."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.config import Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from tests.gpu import real_size


def measure_ceilings(geometry: Geometry) -> dict[str, object]:
    """TFLOP/s of the matrix products and the self-attention of one block in bfloat16 on random data; copy bandwidth."""
    tokens, width, feed = geometry.tokens_per_block, 5120, 13824
    x = torch.randn(tokens, width, dtype=torch.bfloat16, device="cuda")
    found: dict[str, object] = {}
    for name, size in (("projection", width), ("fusedProjections", 3 * width), ("feedForward", feed)):
        weight = torch.randn(size, width, dtype=torch.bfloat16, device="cuda")
        seconds = _seconds(lambda weight=weight: F.linear(x, weight))
        found[f"{name}Teraflops"] = round(2 * tokens * width * size / seconds / 1e12)
    keys = 29 * geometry.tokens_per_latent // 2
    query, key = (torch.randn(1, 40, count, 128, dtype=torch.bfloat16, device="cuda") for count in (tokens, keys))
    for backend in (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION):
        with sdpa_kernel(backend):
            seconds = _seconds(lambda: F.scaled_dot_product_attention(query, key, key))
        found[f"{backend.name.lower()}Teraflops"] = round(4 * tokens * keys * width / seconds / 1e12)
    large = torch.empty(2**31, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(large)
    found["copyTerabytesPerSecond"] = round(2 * large.nbytes / _seconds(lambda: target.copy_(large)) / 1e12, 2)
    return found


def profile_block(model: DiffusionTransformer, geometry: Geometry, rows: int = 14) -> list[dict[str, object]]:
    """Device milliseconds of one block with full rings, by kernel, greatest first."""
    settings = RolloutSettings(width=geometry.width, height=geometry.height, seed=420)
    rollout = Rollout(model, real_size.conditions(geometry, model.config), settings)
    list(rollout.render_clip(real_size.clip_audio(0, model.config)))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        next(rollout.render_clip(real_size.clip_audio(1, model.config)))
        torch.cuda.synchronize()
    events = sorted(profile.key_averages(), key=lambda event: -event.self_device_time_total)
    total = sum(event.self_device_time_total for event in events)
    table = [{"kernel": "all", "milliseconds": round(total / 1000, 1), "calls": sum(event.count for event in events)}]
    for event in events[:rows]:
        milliseconds = round(event.self_device_time_total / 1000, 1)
        table.append({"kernel": event.key[:90], "milliseconds": milliseconds, "calls": event.count})
    return table


def _seconds(work: Callable[[], object], repeats: int = 20) -> float:
    for _ in range(3):
        work()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        work()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000 / repeats
