"""Host memory that a device copies to and from: page-locked, and read without holding the device up."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from farm_engine.liveavatar.memory.allocation import device_allocation_failed


class PinningFailedError(MemoryError):
    """CUDA reports page-locked memory that it cannot have with the same code as a full device."""

    def __init__(self, byte_count: int, reason: BaseException) -> None:
        super().__init__(f"{byte_count} bytes could not be page-locked (pinned): {reason}")


def pinned_empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Page-locked host memory. Raises PinningFailedError where the host has not so much left."""
    try:
        return torch.empty(shape, dtype=dtype, pin_memory=True)
    except RuntimeError as error:
        if device_allocation_failed(error):
            byte_count = torch.Size(shape).numel() * dtype.itemsize
            raise PinningFailedError(byte_count, error) from error
        raise


class HostCopy:
    """A tensor on its way to host memory. Creating it queues the copy and waits for nothing; `read` waits for it, in
    whichever thread calls it."""

    def __init__(self, tensor: Tensor) -> None:
        self._copied: torch.cuda.Event | None = None
        if not tensor.is_cuda:
            self._host = tensor
            return
        self._host = pinned_empty(tensor.shape, tensor.dtype)
        self._host.copy_(tensor, non_blocking=True)
        self._copied = torch.cuda.Event()
        self._copied.record()

    def read(self) -> Tensor:
        """The tensor, on the CPU."""
        if self._copied is not None:
            self._copied.synchronize()
        return self._host
