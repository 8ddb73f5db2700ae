"""Which moment of the speech each frame hears.

Every second of the speech is another tone. A tone whose frequency is a multiple of 50 repeats within the 20 ms from one
feature to the next, so all features of a second are alike wherever they were computed; all tones have one mean and
loudness, so normalizing a window changes none. The features before the attention (hidden state 0) see a quarter of a
second at most: in the middle of a second they are those of its tone alone.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from farm_engine.liveavatar.checkpoints.random_weights import random_tensor
from farm_engine.liveavatar.encoders.speech import TINY, SpeechFeatures, build_speech_model, published_config

SECOND, FRAMES_PER_SECOND = 16_000, 25
LIMIT = 1e-3


@pytest.fixture(scope="module")
def model():
    model = build_speech_model(published_config(TINY))
    for name, parameter in model.named_parameters():
        parameter.copy_(random_tensor(f"wav2vec2.{name}", parameter.shape))
    return model


def tone(second: int) -> np.ndarray:
    time = np.arange(SECOND) / SECOND
    return (0.5 * np.sin(2 * np.pi * (150 + 50 * second) * time)).astype(np.float32)


def tones(seconds: range) -> np.ndarray:
    return np.concatenate([tone(second) for second in seconds])


@torch.no_grad()
def heard(model, second: int) -> torch.Tensor:
    """Hidden state 0 in the middle of a tone, straight from the network."""
    samples = torch.from_numpy(np.tile(tone(second), 3))
    samples = (samples - samples.mean()) / samples.std(correction=0)
    return model(samples[None], output_hidden_states=True).hidden_states[0][0, 75]


def middle_frame(second: int) -> int:
    return second * FRAMES_PER_SECOND + FRAMES_PER_SECOND // 2


def assert_frame_hears(model, features: SpeechFeatures, *, second_of_segment: int, tone_of_second: int) -> None:
    found = features.frames(middle_frame(second_of_segment), 1)[0, :, 0]
    expected = heard(model, tone_of_second)
    assert (found - expected).norm() / expected.norm() < LIMIT
    for neighbour in (tone_of_second - 1, tone_of_second + 1):
        other = heard(model, neighbour)
        assert (other - expected).norm() / expected.norm() > 10 * LIMIT


@pytest.mark.parametrize("before, after", [(0, 0), (3, 0), (2, 2), (8, 7)])
def test_a_segments_first_frame_is_its_first_sample_whatever_the_margins(model, before, after):
    spoken = 4
    samples = tones(range(before + spoken + after))
    features = SpeechFeatures(model, samples, margin_before=before * SECOND, sample_count=spoken * SECOND)
    for second in range(spoken):
        assert_frame_hears(model, features, second_of_segment=second, tone_of_second=before + second)


@pytest.mark.parametrize("before", [0, 6])
def test_frames_of_long_speech_hear_their_own_second_in_every_window(model, before):
    spoken = 50
    samples = tones(range(before + spoken))
    features = SpeechFeatures(model, samples, margin_before=before * SECOND, sample_count=spoken * SECOND)
    for second in (2, 18, 21, 30, 39, 41, 48):
        assert_frame_hears(model, features, second_of_segment=second, tone_of_second=before + second)
