"""The tiny model on this device against the golden figures of the published transformer."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import torch

from farm_engine.liveavatar.config import TINY
from farm_engine.liveavatar.model import DiffusionTransformer
from farm_engine.liveavatar.random_weights import fill_with_random_weights

ENGINE_TESTS = Path(__file__).parents[2] / "packages/engine/tests/liveavatar"


def measure_golden(device: str) -> dict[str, object]:
    """Greatest relative error of 48 velocities (12 blocks at 4 steps) per precision.

    Convolutions in float32 are done in TF32 by default, here and in the published model; not so for this comparison.
    """
    tests = _engine_test_module("parity")
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


def _engine_test_module(name: str) -> ModuleType:
    """This file bears the same name, so the other one is loaded by its path."""
    sys.path.append(str(ENGINE_TESTS))
    spec = importlib.util.spec_from_file_location(f"engine_tests_{name}", ENGINE_TESTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
