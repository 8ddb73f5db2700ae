"""In which order the denoising steps of several blocks are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

BlockStep = tuple[int, int]
"""A block, counted from the first of those to compute, and a denoising step."""

Order = Callable[[int, int], Iterator[list[BlockStep]]]
"""(blocks, steps) -> passes over the layers, each with the steps to compute in it.

Step s of block b needs step s - 1 of block b and step s of block b - 1 in an earlier pass.
"""


def one_by_one(blocks: int, steps: int) -> Iterator[list[BlockStep]]:
    """A block after the other, a step a pass: each block's latents as soon as they can be."""
    for block in range(blocks):
        for step in range(steps):
            yield [(block, step)]
