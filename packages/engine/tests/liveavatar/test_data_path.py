"""The whole way from files to frames: what the engine writes is what its parts give when they are put together by hand.

The parts are held to the published implementation by tests of their own; here it is what they are given.
"""

from __future__ import annotations

import wave

import numpy as np
import pytest
import torch
from png_file import lopsided_picture, write_png
from recording_control import RecordingControl, render

from farm_engine.liveavatar.checkpoints.generator import TINY, write_published_layout
from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.encoders.speech import SpeechFeatures
from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.protocol import Piece, RenderRequest, RenderSettings, Speech

WIDTH, HEIGHT, SEED, STEPS = 128, 64, 5, 3
FIRST_FRAME, END_FRAME, SEGMENT_FRAMES = 6, 60, 66
SAMPLES_PER_FRAME = 640
MARGIN_BEFORE, MARGIN_AFTER = 30 * SAMPLES_PER_FRAME, 40 * SAMPLES_PER_FRAME
PROMPT = "a person speaks"


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> LiveAvatarEngine:
    """With weights from a folder, so that frames carry no caption."""
    folder = tmp_path_factory.mktemp("weights")
    write_published_layout(folder, TINY)
    engine = LiveAvatarEngine(folder, device="cpu")
    engine.load(lambda phase, fraction: None)
    return engine


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return lopsided_picture(width=WIDTH, height=HEIGHT)


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """int16: margins as loud as the speech and unlike it, and no two clips alike."""
    time = np.arange(MARGIN_BEFORE + SEGMENT_FRAMES * SAMPLES_PER_FRAME + MARGIN_AFTER) / 16_000
    glide = np.sin(2 * np.pi * (100 + 150 * time) * time) * (0.6 + 0.4 * np.sin(17 * time**1.5))
    return (glide * 20_000).astype("<i2")


@pytest.fixture(scope="module")
def written(engine, picture, samples, tmp_path_factory) -> RecordingControl:
    folder = tmp_path_factory.mktemp("inputs")
    write_png(folder / "portrait.png", picture)
    with wave.open(str(folder / "speech.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    piece = Piece(index=0, first_frame=FIRST_FRAME, frame_count=END_FRAME - FIRST_FRAME, fifo_path=folder / "fifo")
    request = RenderRequest(
        render_id="render-1",
        portrait_path=folder / "portrait.png",
        speech=Speech(
            path=folder / "speech.wav",
            margin_before=MARGIN_BEFORE,
            sample_count=SEGMENT_FRAMES * SAMPLES_PER_FRAME,
        ),
        prompt=PROMPT,
        width=WIDTH,
        height=HEIGHT,
        segment_frame_count=SEGMENT_FRAMES,
        pieces=(piece,),
        seed=SEED,
        settings=RenderSettings(steps=STEPS, precision="auto", frames_per_clip=48),
    )
    return render(engine, request)


@torch.no_grad()
def frames_by_hand(engine: LiveAvatarEngine, picture: np.ndarray, samples: np.ndarray) -> np.ndarray:
    models = engine._models
    still = torch.from_numpy(picture).permute(2, 0, 1)[:, None].float() / 255 * 2 - 1
    motion = models.vae.encode(still.expand(-1, 73, -1, -1))
    tokens = torch.tensor([models.text._tokenizer.encode(PROMPT).ids])
    conditions = Conditions(
        reference=models.vae.open_encoder().encode(still),
        motion=motion,
        text=models.text.model(tokens).last_hidden_state[0],
    )
    features = SpeechFeatures(
        models.speech,
        samples.astype(np.float32) / 32768,
        margin_before=MARGIN_BEFORE,
        sample_count=SEGMENT_FRAMES * SAMPLES_PER_FRAME,
    )
    rollout = Rollout(
        models.transformer, conditions, RolloutSettings(width=WIDTH, height=HEIGHT, seed=SEED, steps=STEPS)
    )
    first_clip = list(rollout.render_clip(features.frames(0, 48)))
    next_block = next(rollout.render_clip(features.frames(48, 48)))
    video = models.vae.decode(torch.cat([motion[:, :7], *first_clip, next_block], dim=1))[:, -60:]
    return np.rint((video.numpy() + 1) / 2 * 255).transpose(1, 2, 3, 0)[FIRST_FRAME:END_FRAME]


def test_the_engines_frames_are_those_of_its_parts_put_together(engine, picture, samples, written):
    expected = frames_by_hand(engine, picture, samples)
    assert written.frames.shape == expected.shape
    difference = np.abs(written.frames - expected)
    # Encoding in one call and in a stream differ in the last digit of a float, which may tip a rounding.
    assert difference.max() <= 1
    assert difference.mean() < 1e-3


def test_frames_made_with_given_weights_have_no_caption_and_no_warning_of_random_ones(written):
    assert "random-weights" not in written.warnings
