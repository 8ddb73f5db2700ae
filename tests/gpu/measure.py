"""Clocks and memory counters."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Iterable, Iterator

import torch

GIB = 2**30


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds_each(work: Iterable[object]) -> Iterator[float]:
    """Wall-clock seconds of each item of `work`, the device synchronized before and after."""
    items = iter(work)
    while True:
        synchronize()
        start = time.perf_counter()
        try:
            next(items)
        except StopIteration:
            return
        synchronize()
        yield time.perf_counter() - start


def summary(seconds: list[float], warm: int) -> dict[str, object]:
    """Median, least and greatest of the times after the first `warm` ones, and all of them."""
    steady = seconds[warm:]
    return {
        "secondsPerBlock": round(statistics.median(steady), 4),
        "least": round(min(steady), 4),
        "greatest": round(max(steady), 4),
        "framesPerSecond": round(12 / statistics.median(steady), 2),
        "blocks": [round(value, 4) for value in seconds],
    }


def forget_peak() -> None:
    gc.collect()
    if not torch.cuda.is_available():
        return
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()


def peak() -> dict[str, float]:
    """GiB: the most in tensors and held by the allocator since `forget_peak`; in use now as the driver counts."""
    if not torch.cuda.is_available():
        return {}
    free, total = torch.cuda.mem_get_info()
    return {
        "peakAllocatedGiB": round(torch.cuda.max_memory_allocated() / GIB, 2),
        "peakReservedGiB": round(torch.cuda.max_memory_reserved() / GIB, 2),
        "driverUsedGiB": round((total - free) / GIB, 2),
    }


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Relative L2 error in float64."""
    found, expected = found.double(), expected.to(found.device).double()
    return float((found - expected).norm() / expected.norm())
