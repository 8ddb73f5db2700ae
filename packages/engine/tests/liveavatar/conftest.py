from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from farm_engine.liveavatar.config import TINY
from farm_engine.liveavatar.model import DiffusionTransformer
from farm_engine.liveavatar.random_weights import fill_with_random_weights

torch.set_num_threads(1)


@pytest.fixture
def model() -> DiffusionTransformer:
    """The tiny model in float32 with name-hashed weights; a new one each time, so a test may change it."""
    transformer = DiffusionTransformer(TINY)
    fill_with_random_weights(transformer)
    return transformer
