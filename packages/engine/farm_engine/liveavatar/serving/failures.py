"""PyTorch's failures as errors that the farm can act on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from farm_engine.liveavatar.serving.memory_use import MemoryUse
from farm_engine.protocol import EngineError

# cudaErrorECCUncorrectable, cudaErrorHardwareStackError, cudaErrorDevicesUnavailable, cudaErrorNoDevice,
# cudaErrorSystemNotReady: the card itself is faulty, so another one should do the work.
_CARD_FAILURES = {214, 714, 46, 100, 802}
_DISTRIBUTED_FAILURE = getattr(torch.distributed, "DistBackendError", None)
_ACCELERATOR_FAILURE = getattr(torch, "AcceleratorError", None)


@contextmanager
def named_failures(attempt: str, *, plan: str, memory: MemoryUse) -> Iterator[None]:
    """Turn what PyTorch raises inside into EngineError: `out-of-memory`, `cuda-context-corrupt`, `nccl-failure`.

    The last two are fatal: the process cannot use the device any more.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        failure = _out_of_memory(error, attempt, plan=plan, memory=memory)
    except RuntimeError as error:
        failure = _device_failure(error, attempt)
        if failure is None:
            raise
    else:
        return
    # Outside the except clause: there the traceback would keep the tensors of the failed frames alive.
    gc.collect()
    memory.release_cached()
    raise failure


def _out_of_memory(error: Exception, attempt: str, *, plan: str, memory: MemoryUse) -> EngineError:
    peak, total = memory.peak_bytes(), memory.total_bytes()
    return EngineError(
        "out-of-memory",
        f"The device ran out of memory while the engine tried to {attempt} with plan {plan}: the process peaked at "
        f"{peak / 2**30:.1f} of {total / 2**30:.1f} GiB ({_first_sentences(error)}). Choose a smaller size, fewer "
        "steps, or a worker with more memory.",
        retriable="another-worker",
        details={"plan": plan, "peakBytes": peak, "totalBytes": total},
    )


def _device_failure(error: RuntimeError, attempt: str) -> EngineError | None:
    if _DISTRIBUTED_FAILURE is not None and isinstance(error, _DISTRIBUTED_FAILURE):
        return EngineError(
            "nccl-failure",
            f"The GPUs of this group lost contact while the engine tried to {attempt}: {_first_line(error)}. The "
            "engine has to restart; if it happens again, run with NCCL_DEBUG=INFO and check the links between the "
            "GPUs.",
            retriable="another-worker",
            fatal=True,
        )
    if _ACCELERATOR_FAILURE is not None and isinstance(error, _ACCELERATOR_FAILURE):
        code = int(getattr(error, "error_code", 0) or 0)
        broken_card = code in _CARD_FAILURES
        return EngineError(
            "cuda-context-corrupt",
            f"CUDA failed with error {code} while the engine tried to {attempt}, and this process cannot use the GPU "
            f"any more: {_first_line(error)}. The engine has to restart; if it happens again, look for Xid messages "
            "in `dmesg` and take the card out of service.",
            retriable="another-worker" if broken_card else "this-worker",
            details={"cudaError": code},
            fatal=True,
        )
    return None


def _first_sentences(error: Exception) -> str:
    """What was requested; PyTorch adds a page of advice."""
    return ". ".join(_first_line(error).split(". ")[:2])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
