from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2FeatureExtractor

from farm_engine.liveavatar.checkpoints.random_weights import random_tensor
from farm_engine.liveavatar.encoders.speech import (
    TINY,
    SpeechFeatures,
    build_speech_model,
    normalized,
    published_config,
)

SECOND = 16_000
FRAME = 640
MARGIN = 12
"""Frames: the 0.48 s that `prepare` leaves on either side of a segment."""


@pytest.fixture
def model():
    model = build_speech_model(published_config(TINY))
    for name, parameter in model.named_parameters():
        parameter.copy_(random_tensor(f"wav2vec2.{name}", parameter.shape))
    return model


@pytest.fixture(scope="session")
def long_speech() -> np.ndarray:
    time = np.arange(70 * SECOND) / SECOND
    noise = np.random.default_rng(6).standard_normal(len(time)) * 0.02
    return (np.sin(2 * np.pi * 150 * time) * np.abs(np.sin(2 * time)) * 0.4 + noise).astype(np.float32)


def features_of(model, samples, *, margin_before=0, sample_count=None):
    return SpeechFeatures(
        model, samples, margin_before=margin_before, sample_count=sample_count or len(samples) - margin_before
    )


def golden_features(model, golden):
    samples = golden["speech"]["samples"].numpy().astype(np.float32) / 32768
    return features_of(model, samples).frames(0, 48)[::6]


def test_short_speech_equals_the_published_implementation(model, golden, relative_error):
    assert relative_error(golden_features(model, golden), golden["speech"]["features"]) < 1e-5


@pytest.mark.parametrize(
    "name",
    [
        "feature_extractor.conv_layers.0.conv.weight",
        "feature_projection.projection.weight",
        "encoder.pos_conv_embed.conv.parametrizations.weight.original0",
        "encoder.layers.0.attention.k_proj.weight",
        "encoder.layers.23.feed_forward.output_dense.weight",
        "encoder.layer_norm.weight",
    ],
)
def test_one_changed_weight_is_noticed(model, golden, relative_error, name):
    model.get_parameter(name).view(-1)[:8] += 0.05
    assert relative_error(golden_features(model, golden), golden["speech"]["features"]) > 1e-5


def heard_frames(features: torch.Tensor) -> int:
    heard = features.abs().sum(dim=(0, 1)) > 0
    count = int(heard.sum())
    assert heard[:count].all()
    return count


@pytest.mark.parametrize("margin_before", [0, 5 * FRAME, MARGIN * FRAME])
@pytest.mark.parametrize(
    ("sample_count", "after", "heard"),
    [
        (25 * FRAME, 0, 25),
        (25 * FRAME, 64, 25),
        (25 * FRAME, 399, 25),
        (25 * FRAME, 400, 26),
        (25 * FRAME, MARGIN * FRAME, 37),
        (25 * FRAME - 300, 0, 24),  # 21 ms of the last frame are too short for a feature
        (25 * FRAME - 240, 0, 25),
        (25 * FRAME - 300, 3 * FRAME, 27),
        (300, 0, 0),
        (400, 0, 1),
    ],
)
def test_frames_are_zero_only_where_the_samples_end(model, long_speech, margin_before, sample_count, after, heard):
    samples = long_speech[: margin_before + sample_count + after]
    features = features_of(model, samples, margin_before=margin_before, sample_count=sample_count)
    assert heard_frames(features.frames(0, 60)) == heard


@pytest.fixture(scope="session")
def gliding_speech() -> np.ndarray:
    """8 s in which no frame sounds like the next."""
    time = np.arange(8 * SECOND) / SECOND
    tone = np.sin(2 * np.pi * (140 * time + 20 * np.sin(3 * time))) * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    return (tone * 0.4 + np.random.default_rng(6).standard_normal(len(time)) * 0.02).astype(np.float32)


@pytest.mark.parametrize(("start", "frames"), [(5, 1), (MARGIN, 49), (63, 60), (125, 48)])
def test_features_do_not_depend_on_where_the_samples_are_cut_into_segments(model, gliding_speech, start, frames):
    """The same samples around it: then a frame's features are the same bit for bit, whichever segment it is in."""
    samples = gliding_speech
    first = features_of(model, samples, sample_count=180 * FRAME)
    inside = features_of(model, samples, margin_before=start * FRAME, sample_count=frames * FRAME)
    assert torch.equal(inside.frames(0, frames), first.frames(start, frames))
    resumed = inside.frames(frames - 1, 1)
    assert torch.equal(resumed, first.frames(start + frames - 1, 1))


@pytest.mark.parametrize("start", [0, 5, 60])
def test_a_margin_of_twelve_frames_keeps_a_segment_near_what_it_is_in_a_longer_one(
    model, gliding_speech, relative_error, start
):
    """The network hears 0.48 s instead of seconds beyond the cut: that is all that may differ. The frames after the
    segment that share a block with its last one hear the margin."""
    frames, margin_before = 50, min(start, MARGIN)
    longer = features_of(model, gliding_speech, sample_count=180 * FRAME).frames(start, frames + MARGIN)
    cut = features_of(
        model,
        gliding_speech[(start - margin_before) * FRAME : (start + frames + MARGIN) * FRAME],
        margin_before=margin_before * FRAME,
        sample_count=frames * FRAME,
    ).frames(0, frames + MARGIN)
    errors = [relative_error(cut[..., frame], longer[..., frame]) for frame in range(frames + MARGIN)]
    assert max(errors[:frames]) < 0.12
    assert max(errors) < 0.2
    assert relative_error(longer[..., 1:], longer[..., :-1]) > 0.3  # a frame too early or too late would be seen


def test_features_do_not_depend_on_the_order_of_asking(model, long_speech):
    at_once = features_of(model, long_speech).frames(0, 1750)
    other = features_of(model, long_speech)
    late, early = other.frames(1480, 48), other.frames(0, 48)
    assert torch.equal(late, at_once[:, :, 1480:1528])
    assert torch.equal(early, at_once[:, :, :48])


def test_features_depend_on_nothing_beyond_the_window(model, long_speech):
    changed = long_speech.copy()
    changed[40 * SECOND :] = 0.1
    before, after = (features_of(model, samples).frames(0, 1500) for samples in (long_speech, changed))
    same = (before == after).all(dim=0).all(dim=0)
    # 20 s cores with 5 s margins: cores 0 (frames up to 499) ends its window at 25 s; core 1 reaches 45 s.
    assert same[:498].all()
    assert not same[510:].any()


def test_margins_are_context_and_not_output(model, long_speech):
    start = 10 * SECOND
    alone = features_of(model, long_speech[start : start + 4 * SECOND])
    within = features_of(model, long_speech[: start + 9 * SECOND], margin_before=start, sample_count=4 * SECOND)
    assert alone.frames(0, 100).shape == within.frames(0, 100).shape
    assert not torch.equal(alone.frames(0, 48), within.frames(0, 48))
    # A margin longer than 5 s changes nothing: the window takes 5 s of it.
    cut = long_speech[5 * SECOND : start + 9 * SECOND]
    shorter = features_of(model, cut, margin_before=5 * SECOND, sample_count=4 * SECOND)
    assert torch.equal(shorter.frames(0, 100), within.frames(0, 100))


def at_level(samples: np.ndarray, dbfs: float) -> np.ndarray:
    return (samples * 10 ** (dbfs / 20) / samples.std()).astype(np.float32)


def heard_levels(model, samples) -> list[float]:
    """RMS of what the network is given, a number for each window."""
    levels: list[float] = []
    hook = model.feature_extractor.register_forward_pre_hook(lambda _, inputs: levels.append(inputs[0].std().item()))
    features = features_of(model, samples)
    for frame in range(0, len(samples) // FRAME, 500):
        features.frames(frame, 1)
    hook.remove()
    return levels


def test_a_long_pause_is_not_raised_to_the_level_of_speech(model, long_speech):
    """50 s of room noise at -60 dBFS between speech at -23: the window within the pause stays 15 dB below speech."""
    speech = at_level(long_speech[: 10 * SECOND], -23)
    noise = at_level(np.random.default_rng(9).standard_normal(50 * SECOND), -60)
    first, pause, *others = heard_levels(model, np.concatenate([speech, noise, speech]))
    assert pause < 0.18
    assert [first, *others] == pytest.approx([1, 1, 1], abs=0.001)


@pytest.mark.parametrize("dbfs", [-10, -23, -35, -44.9])
def test_speech_is_normalized_as_published(long_speech, dbfs):
    samples = at_level(long_speech[:SECOND] + 0.001, dbfs)
    published = Wav2Vec2FeatureExtractor(do_normalize=True)(samples, sampling_rate=SECOND, return_tensors="pt")
    tensor = torch.from_numpy(samples)
    assert (normalized(tensor) - published.input_values[0]).abs().max() < 1e-5
    unlimited = (tensor - tensor.mean()) / torch.sqrt(tensor.var(correction=0) + 1e-7)
    assert torch.equal(normalized(tensor), unlimited)


def test_digital_silence_stays_silent():
    assert normalized(torch.full((SECOND,), 0.25)).abs().max() == 0
