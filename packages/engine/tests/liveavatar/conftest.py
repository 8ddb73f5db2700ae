from __future__ import annotations

import wave
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from recording_control import forget_chain
from safetensors.torch import load_file
from torch import Tensor

from farm_engine.liveavatar.checkpoints.random_weights import fill_with_random_weights
from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.liveavatar.transformer.config import TINY
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from farm_engine.liveavatar.vae import config as vae_config
from farm_engine.liveavatar.vae.autoencoder import VideoAutoencoder
from farm_engine.protocol import Piece, RenderRequest, RenderSettings, Speech

GOLDEN = Path(__file__).with_name("golden")
SAMPLES_PER_FRAME = 640


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def model() -> DiffusionTransformer:
    """The tiny transformer in float32 with name-hashed weights; a new one each time, so a test may change it."""
    transformer = DiffusionTransformer(TINY)
    fill_with_random_weights(transformer)
    return transformer


@pytest.fixture
def vae() -> VideoAutoencoder:
    """A tiny autoencoder with name-hashed weights; a new one each time, so a test may change it."""
    vae = VideoAutoencoder(vae_config.TINY).eval().requires_grad_(False)
    fill_with_random_weights(vae)
    return vae


@pytest.fixture(scope="session")
def golden() -> dict[str, dict[str, Tensor]]:
    """The recorded figures of the encoders and the autoencoder."""
    return {name: load_file(GOLDEN / f"{name}.safetensors") for name in ("speech", "text", "vae")}


@pytest.fixture(scope="session")
def relative_error():
    """Relative L2 distance of a tensor from what was expected."""

    def measure(found: Tensor, expected: Tensor) -> float:
        assert found.shape == expected.shape
        return ((found - expected).norm() / expected.norm()).item()

    return measure


@pytest.fixture(scope="session")
def loaded_engine() -> LiveAvatarEngine:
    engine = LiveAvatarEngine(None, device="cpu")
    engine.load(lambda phase, fraction: None)
    return engine


@pytest.fixture
def engine(loaded_engine) -> LiveAvatarEngine:
    """The tiny engine, with nothing kept from an earlier test."""
    forget_chain(loaded_engine)
    return loaded_engine


@pytest.fixture
def inputs(tmp_path) -> SimpleNamespace:
    """A portrait and 6 s of speech in files."""
    rows, columns = np.mgrid[0:90, 0:100]
    picture = np.stack([rows * 2, columns * 2, (rows * columns) % 255], axis=-1).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "portrait.png"), picture)
    time = np.arange(6 * 16000) / 16000
    noise = np.random.default_rng(7).standard_normal(len(time)) * 300
    samples = (np.sin(2 * np.pi * 150 * time) * np.sin(5 * time) * 9000 + noise).astype("<i2")
    with wave.open(str(tmp_path / "speech.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return SimpleNamespace(portrait=tmp_path / "portrait.png", speech=tmp_path / "speech.wav", folder=tmp_path)


@pytest.fixture
def request_for(inputs):
    """A request for pieces of so many frames; keyword arguments replace its fields."""

    def make(*piece_frames: int, first_frame: int = 0, segment_frames: int = 100, **changes) -> RenderRequest:
        pieces, start = [], first_frame
        for index, count in enumerate(piece_frames):
            piece = Piece(index=index, first_frame=start, frame_count=count, fifo_path=inputs.folder / f"piece-{index}")
            pieces.append(piece)
            start += count
        fields = {
            "render_id": "render-1",
            "portrait_path": inputs.portrait,
            "speech": Speech(path=inputs.speech, margin_before=0, sample_count=segment_frames * SAMPLES_PER_FRAME),
            "prompt": "a person speaks to the camera",
            "width": 64,
            "height": 64,
            "segment_frame_count": segment_frames,
            "pieces": tuple(pieces),
            "seed": 11,
            "settings": RenderSettings(steps=4, precision="auto", frames_per_clip=48),
        }
        return RenderRequest(**{**fields, **changes})

    return make
