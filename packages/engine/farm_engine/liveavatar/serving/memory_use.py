"""How much memory the process uses, as the driver or the kernel counts it."""

from __future__ import annotations

import os
import resource

import torch


class MemoryUse:
    """Memory on `device`: on a GPU the allocator's plus the CUDA context's; on the CPU the resident set."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"

    def start_measuring(self) -> None:
        """Reset the peak. The kernel's peak of the resident set cannot be reset: it counts from the process's start."""
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()

    def peak_bytes(self) -> int:
        """Peak bytes of the process on the device.

        On a GPU: the most that the allocator ever held from the driver, plus everything the device counts beyond the
        allocator (context, kernels, library workspaces; other processes on the card too, where there are any).
        """
        if not self._cuda:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        free, total = torch.cuda.mem_get_info()
        return torch.cuda.max_memory_reserved() + (total - free) - torch.cuda.memory_reserved()

    def total_bytes(self) -> int:
        if not self._cuda:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return torch.cuda.mem_get_info()[1]

    def release_cached(self) -> None:
        """Give memory that the allocator keeps for later back to the driver."""
        if self._cuda:
            torch.cuda.empty_cache()
