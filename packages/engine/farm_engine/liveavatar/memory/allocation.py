"""Telling from what PyTorch raises whether memory of the device, or of the host, could not be allocated."""

from __future__ import annotations

import re

import torch

from farm_engine.protocol.host_memory import out_of_host_memory

CUDA_OUT_OF_MEMORY = 2
"""cudaErrorMemoryAllocation. CUDA reports it for page-locked host memory too: see `memory/host_copy.py`."""

# The libraries of CUDA report in words only, in a RuntimeError; so do Triton, the compiler and the driver's interface.
_DEVICE_WORDS = re.compile(
    r"(?i:CUDA[^\n]*\bout of memory\b)|\bCUDA_ERROR_OUT_OF_MEMORY\b"
    r"|\bCU[A-Z]+_(STATUS_)?ALLOC_FAILED\b|\bNVRTC_ERROR_OUT_OF_MEMORY\b|\bcudaErrorMemoryAllocation\b"
    r"|\bCUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED\b"
)
_HOST_WORDS = "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"
_PINNING = re.compile(r"cudaHostAlloc|cudaMallocHost|cudaHostRegister|pin_memory|pinned memory")


def host_allocation_failed(error: BaseException) -> bool:
    text = str(error)
    pinning = _PINNING.search(text) is not None and _cuda_allocation_failed(error)
    return pinning or _HOST_WORDS in text or out_of_host_memory(error)


def device_allocation_failed(error: BaseException) -> bool:
    return _cuda_allocation_failed(error) and not host_allocation_failed(error)


def _cuda_allocation_failed(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError):
        return True
    if isinstance(error, torch.AcceleratorError) and getattr(error, "error_code", None):
        return error.error_code == CUDA_OUT_OF_MEMORY
    return _DEVICE_WORDS.search(str(error)) is not None
