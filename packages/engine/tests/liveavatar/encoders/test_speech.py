from __future__ import annotations

import numpy as np
import pytest
import torch

from farm_engine.liveavatar.checkpoints.random_weights import random_tensor
from farm_engine.liveavatar.encoders.speech import TINY, SpeechFeatures, build_speech_model, published_config

SECOND = 16_000


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


def test_frames_past_the_speech_are_zero(model, long_speech):
    frames = features_of(model, long_speech[:SECOND]).frames(0, 60)
    assert frames[:, :, :24].abs().sum(dim=(0, 1)).min() > 0
    assert frames[:, :, 24:].abs().max() == 0


def test_speech_too_short_for_one_feature_gives_zeros(model, long_speech):
    assert features_of(model, long_speech[:300]).frames(0, 12).abs().max() == 0


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
