from __future__ import annotations

import pytest
import torch

from farm_engine.liveavatar.memory import host_copy
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


ADVICE = "\nCUDA kernel errors might be asynchronously reported at some other API call."
CPU_ALLOCATOR = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "45035996 bytes. Error code 12 (Cannot allocate memory)"
)
DEVICE_FULL = {
    "allocator": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 10.40 GiB."),
    "runtime": accelerator_error(2),
    "the driver's name alone": RuntimeError("Triton Error [CUDA]: CUDA_ERROR_OUT_OF_MEMORY"),
    "older words": RuntimeError("cuda runtime error (2) : out of memory"),
    "runtime without code": torch.AcceleratorError("CUDA error: out of memory" + ADVICE),
    "driver": RuntimeError("CUDA driver error: out of memory"),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "cudnn 8": RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    "cudnn 9": RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    "cufft": RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    "triton": RuntimeError("Triton Error [CUDA]: out of memory"),
    "nvrtc": RuntimeError("NVRTC error: NVRTC_ERROR_OUT_OF_MEMORY"),
    "the runtime's name alone": RuntimeError("CUDA error 2: cudaErrorMemoryAllocation"),
}
HOST_FULL = {
    "python": MemoryError(),
    "numpy": MemoryError("Unable to allocate 8.00 PiB for an array with shape (1125899906842624,)"),
    "torch": RuntimeError(CPU_ALLOCATOR),
    "torch, older": RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    "c++": RuntimeError("std::bad_alloc"),
    "system": OSError(12, "Cannot allocate memory"),
    "mapping": RuntimeError("unable to mmap 11361920418 bytes from file <t5.pth>: Cannot allocate memory (12)"),
    "cudnn": RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
    "pinning": host_copy.PinningFailedError(1 << 30, accelerator_error(2)),
    "pinning in words": torch.AcceleratorError("cudaHostAlloc failed\nCUDA error: out of memory" + ADVICE),
}


@pytest.mark.parametrize("error", DEVICE_FULL.values(), ids=DEVICE_FULL.keys())
def test_a_full_device_is_no_corrupt_context(error):
    failure = fail_with(error)
    assert (failure.code, failure.retriable, failure.fatal) == ("out-of-memory", "another-worker", False)
    assert failure.details["peakBytes"] == 75 * GIB
    assert "The device ran out of memory" in failure.message


@pytest.mark.parametrize("error", HOST_FULL.values(), ids=HOST_FULL.keys())
def test_a_full_host_is_told_from_a_full_device(error):
    failure = fail_with(error)
    assert (failure.code, failure.retriable, failure.fatal) == ("out-of-host-memory", "another-worker", False)
    assert failure.details == {"plan": "resident-bfloat16"}
    assert "not of a GPU" in failure.message


def test_pinning_that_fails_is_the_hosts_and_anything_else_is_passed_on(monkeypatch):
    raised: list[Exception] = []

    def empty(*arguments, **options):
        assert options["pin_memory"]
        raise raised[-1]

    monkeypatch.setattr(torch, "empty", empty)
    raised.append(accelerator_error(2))
    failure = caught(lambda: host_copy.pinned_empty((1024, 3), torch.bfloat16))
    assert (failure.code, failure.fatal) == ("out-of-host-memory", False)
    assert "6144 bytes" in failure.message and "pinned" in failure.message
    raised.append(accelerator_error(700))
    assert caught(lambda: host_copy.pinned_empty((1024,), torch.uint8)).code == "cuda-context-corrupt"


def caught(work) -> EngineError:
    with pytest.raises(EngineError) as failure, named_failures("render", plan="p", memory=FixedMemory()):
        work()
    return failure.value


class BrokenMemory(FixedMemory):
    """The figures of a device whose context is corrupt: every call fails."""

    def peak_bytes(self) -> int:
        raise accelerator_error(700)

    def release_cached(self) -> None:
        raise accelerator_error(700)


@pytest.mark.parametrize("error", [accelerator_error(2), torch.OutOfMemoryError("CUDA out of memory.")])
def test_a_context_that_shows_corrupt_afterwards_ends_the_process(error):
    with pytest.raises(EngineError) as failure, named_failures("render", plan="p", memory=BrokenMemory()):
        raise error
    assert (failure.value.code, failure.value.details) == ("cuda-context-corrupt", {"cudaError": 700})
    assert failure.value.fatal


def test_a_cache_that_a_full_device_does_not_release_is_no_corrupt_context():
    class FullMemory(FixedMemory):
        def release_cached(self) -> None:
            raise accelerator_error(2)

    with pytest.raises(EngineError) as failure, named_failures("render", plan="p", memory=FullMemory()):
        raise accelerator_error(2)
    assert (failure.value.code, failure.value.fatal) == ("out-of-memory", False)


def test_a_corrupt_context_is_reported_although_its_cache_cannot_be_released():
    with pytest.raises(EngineError) as failure, named_failures("render", plan="p", memory=BrokenMemory()):
        raise accelerator_error(214)
    assert (failure.value.details, failure.value.retriable) == ({"cudaError": 214}, "another-worker")


@pytest.mark.parametrize(
    "code, retriable",
    [
        (700, "this-worker"),
        (719, "this-worker"),
        (716, "this-worker"),
        (999, "this-worker"),
        (214, "another-worker"),
        (46, "another-worker"),
    ],
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


@pytest.mark.parametrize(
    "error",
    [
        Interrupted(),
        ValueError("a bug"),
        RuntimeError("shapes do not match"),
        OSError(28, "No space left on device"),
        EngineError("bad-portrait", "std::bad_alloc.png: CUDA out of memory", retriable="never"),
    ],
)
def test_other_failures_pass_unchanged(error):
    with pytest.raises(type(error)) as failure, named_failures("render", plan="any", memory=FixedMemory()):
        raise error
    assert failure.value is error
