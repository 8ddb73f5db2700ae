"""Head, shoulders and lids over a segment."""

from __future__ import annotations

import numpy as np
import pytest

from farm_engine.draft.motion import segment_motion


def emphasis(frames: int) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(np.arange(frames) / 20)


@pytest.mark.parametrize("frames", [1, 2, 30, 500])
def test_a_segment_begins_and_ends_at_rest(frames):
    for name, curve in vars(segment_motion(emphasis(frames), seed=3)).items():
        assert len(curve) == frames
        assert curve[0] == 0 and curve[-1] == 0, name


def test_motion_is_gradual_and_bounded():
    motion = segment_motion(emphasis(1000), seed=3)
    for name, curve in vars(motion).items():
        assert np.abs(curve).max() <= 2.0, name
        if name != "blink":
            assert np.abs(np.diff(curve)).max() < 0.12, name


def test_people_blink_ten_to_thirty_times_a_minute():
    for seed in range(5):
        blink = segment_motion(emphasis(25 * 120), seed=seed).blink
        starts = np.flatnonzero((blink[1:] > 0) & (blink[:-1] == 0))
        assert 10 <= len(starts) / 2 <= 30
        assert (np.diff(starts) > 40).all()


def test_the_seed_decides():
    first, again, other = (segment_motion(emphasis(200), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.sway, again.sway)
    assert np.abs(first.sway - other.sway).max() > 0.1
