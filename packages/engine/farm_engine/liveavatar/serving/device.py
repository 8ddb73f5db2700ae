"""Whether a GPU can run the model, and if not, why."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import torch

from farm_engine.protocol import EngineError

NEEDED_COMPUTE_CAPABILITY = (8, 0)
"""Ampere: the first with bfloat16 matrix units."""


@dataclass(frozen=True, kw_only=True)
class CudaFacts:
    """What this process can see of CUDA, found out without initializing it where that can fail.

    Attributes:
        toolkit: CUDA version that PyTorch was built with, such as "13.0"; None for a build without CUDA.
        driver: newest CUDA version that the installed driver runs, such as (12, 4); None without a driver.
        capability: compute capability of the first GPU; None where none is visible.
        device_name: its name.
    """

    toolkit: str | None
    driver: tuple[int, int] | None
    capability: tuple[int, int] | None
    device_name: str | None


def probe_cuda() -> CudaFacts:
    """Look at PyTorch's build, the driver and the first GPU."""
    driver = _driver_version()
    usable = driver is not None and torch.cuda.is_available()
    return CudaFacts(
        toolkit=torch.version.cuda,
        driver=driver,
        capability=torch.cuda.get_device_capability(0) if usable else None,
        device_name=torch.cuda.get_device_name(0) if usable else None,
    )


def require_cuda(facts: CudaFacts) -> None:
    """Raise EngineError `no-cuda`, `driver-too-old` or `compute-capability-too-old` unless the model can run."""
    if facts.toolkit is None:
        raise _no_cuda(f"PyTorch {torch.__version__} was built without CUDA. Install a build with CUDA")
    if facts.driver is None:
        raise _no_cuda("no NVIDIA driver was found (libcuda.so.1). Install one, or give the container the GPU")
    needed = int(facts.toolkit.split(".")[0])
    if facts.driver[0] < needed:
        found = "{}.{}".format(*facts.driver)
        raise EngineError(
            "driver-too-old",
            f"The NVIDIA driver runs CUDA up to {found}, but this PyTorch was built with CUDA {facts.toolkit} and "
            f"needs a driver for CUDA {needed}.0 or newer. Update the driver, or install a PyTorch built for CUDA "
            f"{facts.driver[0]}.",
            retriable="another-worker",
            details={"found": found, "needed": f"{needed}.0"},
        )
    if facts.capability is None:
        raise _no_cuda("the driver shows no GPU. Check `nvidia-smi` and CUDA_VISIBLE_DEVICES")
    if facts.capability < NEEDED_COMPUTE_CAPABILITY:
        found, minimum = "{}.{}".format(*facts.capability), "{}.{}".format(*NEEDED_COMPUTE_CAPABILITY)
        raise EngineError(
            "compute-capability-too-old",
            f"The {facts.device_name} has compute capability {found}; the model needs {minimum} or newer (Ampere), "
            "because it computes in bfloat16. Use a newer GPU.",
            retriable="another-worker",
            details={"found": found, "needed": minimum, "device": facts.device_name or ""},
        )


def _driver_version() -> tuple[int, int] | None:
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    version = ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(version)) != 0:
        return None
    return version.value // 1000, version.value % 1000 // 10


def _no_cuda(what: str) -> EngineError:
    return EngineError(
        "no-cuda",
        f"The liveavatar engine needs a GPU here, but {what}; or start it with --tiny --device cpu.",
        retriable="another-worker",
    )
