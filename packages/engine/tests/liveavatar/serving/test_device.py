from __future__ import annotations

import pytest

from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.liveavatar.serving import device
from farm_engine.liveavatar.serving.device import CudaFacts, require_cuda
from farm_engine.protocol import EngineError

GOOD = {"toolkit": "13.0", "driver": (13, 0), "capability": (9, 0), "device_name": "NVIDIA H200"}


@pytest.mark.parametrize(
    "change",
    [{}, {"driver": (14, 1)}, {"toolkit": "13.2"}, {"capability": (8, 0)}, {"capability": (12, 0)}],
)
def test_a_gpu_that_can_run_the_model_is_accepted(change):
    require_cuda(CudaFacts(**{**GOOD, **change}))


@pytest.mark.parametrize(
    "change, code, said",
    [
        ({"toolkit": None}, "no-cuda", ["without CUDA"]),
        ({"driver": None}, "no-cuda", ["libcuda.so.1"]),
        ({"capability": None, "device_name": None}, "no-cuda", ["nvidia-smi"]),
        ({"driver": (12, 4)}, "driver-too-old", ["12.4", "13.0"]),
        (
            {"capability": (7, 5), "device_name": "Tesla T4"},
            "compute-capability-too-old",
            ["Tesla T4", "7.5", "8.0"],
        ),
    ],
)
def test_what_is_missing_is_named_with_what_is_needed_and_found(change, code, said):
    with pytest.raises(EngineError) as failure:
        require_cuda(CudaFacts(**{**GOOD, **change}))
    assert (failure.value.code, failure.value.retriable) == (code, "another-worker")
    assert all(part in failure.value.message for part in said)


def test_an_engine_that_must_use_a_gpu_does_not_fall_back_to_the_cpu(monkeypatch):
    monkeypatch.setattr(device, "_driver_version", lambda: None)
    with pytest.raises(EngineError) as failure:
        LiveAvatarEngine(None, device="cuda").load(lambda phase, fraction: None)
    assert failure.value.code == "no-cuda"


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(EngineError) as failure:
        LiveAvatarEngine(tmp_path).load(lambda phase, fraction: None)
    assert failure.value.code == "weights-missing"
    assert "farm weights pull" in failure.value.message
