from __future__ import annotations

import pytest
import torch

from farm_engine.liveavatar.serving.failures import named_failures
from farm_engine.protocol import EngineError, Interrupted

GIB = 1 << 30


class FixedMemory:
    released = False

    def peak_bytes(self) -> int:
        return 75 * GIB

    def total_bytes(self) -> int:
        return 80 * GIB

    def release_cached(self) -> None:
        self.released = True


def fail_with(error: Exception) -> EngineError:
    memory = FixedMemory()
    with pytest.raises(EngineError) as failure, named_failures("render", plan="resident-bfloat16", memory=memory):
        raise error
    assert memory.released
    return failure.value


def accelerator_error(code: int) -> RuntimeError:
    error = torch.AcceleratorError(f"CUDA error: something\nwith details {code}")
    error.error_code = code
    return error


def test_running_out_of_memory_names_plan_and_peak():
    failure = fail_with(torch.OutOfMemoryError("CUDA out of memory."))
    assert (failure.code, failure.retriable, failure.fatal) == ("out-of-memory", "another-worker", False)
    assert failure.details == {"plan": "resident-bfloat16", "peakBytes": 75 * GIB, "totalBytes": 80 * GIB}
    assert "75.0 of 80.0 GiB" in failure.message


@pytest.mark.parametrize(
    "code, retriable",
    [(700, "this-worker"), (719, "this-worker"), (214, "another-worker"), (46, "another-worker")],
)
def test_a_corrupt_context_ends_the_process(code, retriable):
    failure = fail_with(accelerator_error(code))
    assert (failure.code, failure.retriable, failure.fatal) == ("cuda-context-corrupt", retriable, True)
    assert failure.details == {"cudaError": code}


def test_losing_peers_ends_the_process():
    failure = fail_with(
        torch.distributed.DistBackendError("NCCL error in: ProcessGroupNCCL.cpp, remote process exited")
    )
    assert (failure.code, failure.retriable, failure.fatal) == ("nccl-failure", "another-worker", True)


@pytest.mark.parametrize("error", [Interrupted(), ValueError("a bug"), RuntimeError("shapes do not match")])
def test_other_failures_pass_unchanged(error):
    with pytest.raises(type(error)) as failure, named_failures("render", plan="any", memory=FixedMemory()):
        raise error
    assert failure.value is error
