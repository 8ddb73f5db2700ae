"""What libraries raise when the machine has no memory left, and what only sounds like it."""

from __future__ import annotations

import errno
import os

import cv2
import pytest

from farm_engine.protocol.host_memory import OutOfHostMemoryError, out_of_host_memory


def cv2_error(code: int, text: str) -> cv2.error:
    error = cv2.error(text)
    error.code = code
    return error


ALLOCATOR = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4503599627370496 bytes. Error code 12 (Cannot allocate memory)"
)
NO_MEMORY = {
    "python": MemoryError(),
    "numpy": MemoryError(
        "Unable to allocate 8.00 PiB for an array with shape (1125899906842624,) and data type float64"
    ),
    "system": OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    "opencv": cv2_error(-4, "alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 10307921510400 bytes"),
    "torch allocator": RuntimeError(ALLOCATOR),
    "torch allocator, elsewhere": RuntimeError(
        "DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."
    ),
    "torch map": RuntimeError("unable to mmap 11361920418 bytes from file <t5.pth>: Cannot allocate memory (12)"),
    "c++": RuntimeError("std::bad_alloc"),
}
OTHER = {
    "disk": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "permission": PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
    "opencv": cv2_error(-215, "error: (-215:Assertion failed) !ssize.empty() in function 'resize'"),
    "device": RuntimeError("CUDA error: out of memory"),
    "bug": RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"),
    "value": ValueError("not enough values to unpack"),
}


@pytest.mark.parametrize("error", NO_MEMORY.values(), ids=NO_MEMORY.keys())
def test_failed_allocations_on_the_host_are_recognized(error):
    assert out_of_host_memory(error)
    failure = OutOfHostMemoryError(error, "render 48 frames")
    assert (failure.code, failure.retriable, failure.fatal) == ("out-of-host-memory", "another-worker", False)
    assert "render 48 frames" in failure.message and "of the host" in failure.message


@pytest.mark.parametrize("error", OTHER.values(), ids=OTHER.keys())
def test_other_failures_are_not(error):
    assert not out_of_host_memory(error)
