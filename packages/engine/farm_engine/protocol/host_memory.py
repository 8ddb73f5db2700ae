"""Telling from an exception whether this machine had no memory left."""

from __future__ import annotations

import errno

from farm_engine.protocol.errors import Details, EngineError

_OPENCV_NO_MEMORY = -4
_WORDS = ("Cannot allocate memory", "DefaultCPUAllocator: ", "std::bad_alloc")
"""Native libraries say it in words only: the system's (PyTorch mapping a file, safetensors), PyTorch's own allocator,
and the C++ library's. The first ends with the system's text for ENOMEM, which Python does not translate."""


class OutOfHostMemoryError(EngineError):
    """Neither the process nor its GPU is damaged: where more memory is free, the work can be done."""

    def __init__(self, error: BaseException, attempt: str, *, details: Details | None = None) -> None:
        super().__init__(
            "out-of-host-memory",
            f"This machine ran out of memory (of the host, not of a GPU) while the engine tried to {attempt}: "
            f"{first_line(error)}. Free memory on this machine, raise its limit, or let a worker with more memory take "
            "the task.",
            retriable="another-worker",
            details=details,
        )


def out_of_host_memory(error: BaseException) -> bool:
    """Whether Python, NumPy, OpenCV, PyTorch or the system reports that host memory could not be allocated."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if type(error).__module__.partition(".")[0] == "cv2":
        return getattr(error, "code", None) == _OPENCV_NO_MEMORY
    return any(words in str(error) for words in _WORDS)


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
