from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from farm_engine.liveavatar.random_weights import fill_with_random_weights
from farm_engine.liveavatar.vae.autoencoder import VideoAutoencoder
from farm_engine.liveavatar.vae.config import TINY

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def vae() -> VideoAutoencoder:
    """A tiny autoencoder with weights made from names; a fresh one for each test, which may change it."""
    vae = VideoAutoencoder(TINY).eval().requires_grad_(False)
    fill_with_random_weights(vae)
    return vae


@pytest.fixture(scope="session")
def golden() -> dict[str, dict[str, Tensor]]:
    return {path.stem: load_file(path) for path in GOLDEN.glob("*.safetensors")}


@pytest.fixture(scope="session")
def relative_error():
    """Relative L2 distance of a tensor from what was expected."""

    def measure(found: Tensor, expected: Tensor) -> float:
        assert found.shape == expected.shape
        return ((found - expected).norm() / expected.norm()).item()

    return measure
