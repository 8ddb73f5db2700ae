"""Watching and changing what the sampling loop yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from farm_engine.liveavatar.sampling.sampler import CleanBlock, Sampler


def watch_blocks(
    monkeypatch: pytest.MonkeyPatch,
    *,
    before: Callable[[int], None] = lambda number: None,
    change: Callable[[int, CleanBlock], CleanBlock] = lambda number, block: block,
) -> None:
    """Calls `before` when a block's denoising begins and `change` when it is clean, with its number from 1."""
    denoise, numbers = Sampler.denoise, count(1)

    def watched(self, blocks, noise, *, check) -> Iterator[CleanBlock]:
        clean = denoise(self, blocks, noise, check=check)
        for _ in blocks:
            number = next(numbers)
            before(number)
            yield change(number, next(clean))

    monkeypatch.setattr(Sampler, "denoise", watched)
