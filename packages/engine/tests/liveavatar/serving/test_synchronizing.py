"""On a GPU: the checks of a block hold neither the device nor the rendering thread up, and find what they are for."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from recording_control import RecordingControl, render

from farm_engine.liveavatar import finite
from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.liveavatar.memory import host_copy
from farm_engine.liveavatar.sampling import border_state
from farm_engine.liveavatar.serving import online_decoder, renderer
from farm_engine.protocol import EngineError

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CHECKING = {Path(module.__file__).name for module in (finite, host_copy, online_decoder, renderer)}


@pytest.fixture(scope="module")
def gpu_engine() -> LiveAvatarEngine:
    engine = LiveAvatarEngine(None, device="cuda")
    engine.load(lambda phase, fraction: None)
    return engine


def test_the_checks_do_not_synchronize(gpu_engine, request_for):
    render(gpu_engine, request_for(12))  # what happens once per process
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            render(gpu_engine, request_for(96, segment_frames=100))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    places = [Path(warning.filename).name for warning in caught if "synchronizing" in str(warning.message)]
    assert Path(border_state.__file__).name in places  # the record of each clip: it shows that the mode works
    assert not CHECKING & set(places)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_on_the_device_fails_the_render(gpu_engine, request_for, value):
    bias = gpu_engine._models.vae.get_parameter("decoder.head.2.bias")
    before, control = bias.detach().clone(), RecordingControl()
    with torch.no_grad():
        bias[0] = value
    try:
        with pytest.raises(EngineError) as failure:
            render(gpu_engine, request_for(12), control)
    finally:
        with torch.no_grad():
            bias.copy_(before)
    assert (failure.value.code, failure.value.details["stage"]) == ("frames-not-finite", "pixels")
    assert not control.parts
    assert len(render(gpu_engine, request_for(12)).frames) == 12
