"""What is drawn: another value at every place and for every seed, with the published distributions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from farm_engine.liveavatar.sampling.randomness import SeededRandomness
from farm_engine.liveavatar.transformer.config import Geometry

GEOMETRY = Geometry(width=128, height=64)


def test_noise_of_no_two_clips_or_seeds_is_correlated():
    drawn = [SeededRandomness(seed).noise(clip, GEOMETRY) for seed in (3, 4) for clip in (0, 1, 2)]
    assert {noise.shape for noise in drawn} == {(16, 12, 8, 16)}
    correlation = torch.corrcoef(torch.stack([noise.flatten() for noise in drawn]))
    assert (correlation - torch.eye(6)).abs().max() < 0.05


def test_noise_is_standard_normal():
    noise = SeededRandomness(5).noise(0, GEOMETRY).double().flatten()
    shares = [(noise.abs() < bound).double().mean().item() for bound in (1, 2, 3)]
    np.testing.assert_allclose(shares, [0.6827, 0.9545, 0.9973], atol=0.01)
    assert abs(noise.mean()) < 0.02


@pytest.mark.parametrize("part", ["seed", "clip", "block", "step"])
def test_the_offset_of_each_place_is_drawn_on_its_own(part):
    parts = {"seed": range(40), "clip": range(40), "block": range(4), "step": range(4)}
    fixed = [values for name, values in parts.items() if name != part]
    groups = []
    for place in itertools.islice(itertools.product(*fixed), 0, None, 7):
        place = dict(zip((name for name in parts if name != part), place, strict=True))
        groups.append([_offset(**place, **{part: value}) for value in parts[part]])
    equal = np.mean([len(set(group)) == 1 for group in groups])
    assert equal < 0.01  # four draws of 27 values agree once in 20,000


def test_offsets_are_uniform_from_4_to_30():
    drawn = [_offset(seed=1, clip=clip, block=block, step=step) for clip, block, step in np.ndindex(700, 4, 4)]
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == list(range(4, 31))
    np.testing.assert_allclose(counts, len(drawn) / 27, rtol=0.25)


def _offset(*, seed: int, clip: int, block: int, step: int) -> int:
    return SeededRandomness(seed).reference_offset(int(clip), int(block), int(step))
