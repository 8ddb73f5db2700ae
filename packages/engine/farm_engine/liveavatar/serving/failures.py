"""PyTorch's failures as errors that the farm can act on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

from farm_engine.liveavatar.memory.allocation import device_allocation_failed, host_allocation_failed
from farm_engine.liveavatar.serving.memory_use import MemoryUse
from farm_engine.protocol import EngineError, Interrupted
from farm_engine.protocol.host_memory import OutOfHostMemoryError, first_line

# cudaErrorECCUncorrectable, cudaErrorHardwareStackError, cudaErrorDevicesUnavailable, cudaErrorNoDevice,
# cudaErrorSystemNotReady: the card itself is faulty, so another one should do the work.
_CARD_FAILURES = {214, 714, 46, 100, 802}
_DISTRIBUTED_FAILURE = getattr(torch.distributed, "DistBackendError", None)


@contextmanager
def named_failures(attempt: str, *, plan: str, memory: MemoryUse | None) -> Iterator[None]:
    """Turn what PyTorch raises inside into EngineError: `out-of-memory` (of the device), `out-of-host-memory`,
    `cuda-context-corrupt`, `nccl-failure`.

    The last two are fatal: the process cannot use the device any more. `memory`: None before there is a device.
    """
    try:
        yield
    except (EngineError, Interrupted):
        raise
    except Exception as error:
        failure = _named(error, attempt, plan=plan, memory=memory)
        if failure is None:
            raise
    else:
        return
    # Outside the except clause: there the traceback would keep the tensors of the failed frames alive.
    gc.collect()
    raise _after_releasing(memory, failure, attempt)


def _after_releasing(memory: MemoryUse | None, failure: EngineError, attempt: str) -> EngineError:
    """Give cached memory back. A corrupt context shows here at the latest, since everything raises in it."""
    try:
        if memory is not None:
            memory.release_cached()
    except RuntimeError as error:
        if failure.fatal or device_allocation_failed(error):
            return failure
        return _device_failure(error, attempt) or failure
    return failure


def _named(error: Exception, attempt: str, *, plan: str, memory: MemoryUse | None) -> EngineError | None:
    if (failure := _group_failure(error, attempt)) is not None:
        return failure
    if host_allocation_failed(error):
        return OutOfHostMemoryError(error, attempt, details={"plan": plan})
    if device_allocation_failed(error):
        return _out_of_memory(error, attempt, plan=plan, memory=memory)
    return _device_failure(error, attempt)


def _out_of_memory(error: Exception, attempt: str, *, plan: str, memory: MemoryUse | None) -> EngineError:
    figures, peaked = {}, ""
    # Asking a full or broken device may fail too; then what is known without it has to do.
    with suppress(RuntimeError):
        if memory is not None:
            figures = {"peakBytes": memory.peak_bytes(), "totalBytes": memory.total_bytes()}
            peaked = "the process peaked at {peakBytes:.1f} of {totalBytes:.1f} GiB ".format(
                **{name: count / 2**30 for name, count in figures.items()}
            )
    return EngineError(
        "out-of-memory",
        f"The device ran out of memory while the engine tried to {attempt} with plan {plan}: {peaked}"
        f"({_first_sentences(error)}). Choose a smaller size, fewer steps, or a worker with more memory.",
        retriable="another-worker",
        details={"plan": plan, **figures},
    )


def _group_failure(error: Exception, attempt: str) -> EngineError | None:
    if _DISTRIBUTED_FAILURE is None or not isinstance(error, _DISTRIBUTED_FAILURE):
        return None
    return EngineError(
        "nccl-failure",
        f"The GPUs of this group lost contact while the engine tried to {attempt}: {first_line(error)}. The engine has "
        "to restart; if it happens again, run with NCCL_DEBUG=INFO and check the links between the GPUs.",
        retriable="another-worker",
        fatal=True,
    )


def _device_failure(error: Exception, attempt: str) -> EngineError | None:
    if not isinstance(error, torch.AcceleratorError):
        return None
    code = int(getattr(error, "error_code", 0) or 0)
    return EngineError(
        "cuda-context-corrupt",
        f"CUDA failed with error {code} while the engine tried to {attempt}, and this process cannot use the GPU any "
        f"more: {first_line(error)}. The engine has to restart; if it happens again, look for Xid messages in `dmesg` "
        "and take the card out of service.",
        retriable="another-worker" if code in _CARD_FAILURES else "this-worker",
        details={"cudaError": code},
        fatal=True,
    )


def _first_sentences(error: Exception) -> str:
    """What was requested; PyTorch adds a page of advice."""
    return ". ".join(first_line(error).split(". ")[:2])
