"""The tiny model on this device against the golden figures of the published transformer."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import torch

from farm_engine.liveavatar.checkpoints.random_weights import fill_with_random_weights
from farm_engine.liveavatar.transformer.config import TINY
from farm_engine.liveavatar.transformer.model import DiffusionTransformer

ENGINE_TEST_SUPPORT = Path(__file__).parents[2] / "packages/engine/tests/support"


def measure_golden(device: str) -> dict[str, object]:
    """Greatest relative error of 48 velocities (12 blocks at 4 steps) per precision.

    Convolutions in float32 are done in TF32 by default, here and in the published model; not so for this comparison.
    """
    tests = _engine_test_support("transformer_parity")
    expected = tests.golden("transformer.safetensors")
    found = {}
    torch.backends.cudnn.allow_tf32 = False
    for dtype in (torch.float32, torch.bfloat16):
        model = DiffusionTransformer(TINY)
        fill_with_random_weights(model)
        errors = tests.forward_errors(model.to(device, dtype), expected)
        found[str(dtype).removeprefix("torch.")] = float(f"{max(errors.values()):.3e}")
    torch.backends.cudnn.allow_tf32 = True
    return found


def _engine_test_support(name: str) -> ModuleType:
    """A module of the engine's tests, which are not a package."""
    if str(ENGINE_TEST_SUPPORT) not in sys.path:
        sys.path.append(str(ENGINE_TEST_SUPPORT))
    return importlib.import_module(name)
