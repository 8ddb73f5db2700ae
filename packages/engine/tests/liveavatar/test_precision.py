"""The precision that a device computes in, and those that are refused."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from recording_control import render

from farm_engine.liveavatar import engine as engine_module
from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.protocol import EngineError


class Loading(Exception):
    """Ends a load, with what it asked for."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype


@pytest.mark.parametrize("device, dtype", [("cuda", torch.bfloat16), ("cpu", torch.float32)])
def test_a_gpu_computes_in_bfloat16_and_a_cpu_in_float32(monkeypatch, device, dtype):
    def load_models(layout, *, device, dtype, report):
        raise Loading(dtype)

    monkeypatch.setattr(engine_module, "load_models", load_models)
    engine = LiveAvatarEngine(None)
    monkeypatch.setattr(engine, "_choose_device", lambda layout: torch.device(device))
    with pytest.raises(Loading) as asked:
        engine.load(lambda phase, fraction: None)
    assert asked.value.dtype == dtype


@pytest.mark.parametrize("precision", ["fp8", "int8"])
def test_a_precision_that_is_not_computed_is_refused(engine, request_for, precision):
    request = request_for(1)
    request = dataclasses.replace(request, settings=dataclasses.replace(request.settings, precision=precision))
    with pytest.raises(EngineError, match=precision) as failure:
        render(engine, request)
    assert failure.value.code == "unsupported-setting"
