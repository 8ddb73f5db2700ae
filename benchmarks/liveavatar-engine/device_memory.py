"""How much memory this process uses on the device and in the host, watched while it works."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

GIB = 1 << 30
_SAMPLE_SECONDS = 0.05


def anonymous_bytes() -> int:
    """Host memory of this process that no file backs."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def used_bytes() -> int:
    """What the driver counts as used on the device: this process with its context, and whoever else is there."""
    free, total = torch.cuda.mem_get_info()
    return total - free


def used_before_gib() -> float | None:
    """What others use on the device; ask before CUDA is touched in this process. None where nvidia-smi is missing."""
    lines = _nvidia_smi("--query-gpu=memory.used")
    return round(float(lines[0]) / 1024, 3) if lines else None


def process_gib() -> list[str]:
    """Processes on the device and their memory, by the driver's own list (which containers may hide)."""
    return _nvidia_smi("--query-compute-apps=pid,used_memory")


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Peaks of the work inside, in GiB; the dictionary is filled when it ends.

    `driverPeakGiB` is the greatest of samples, 20 per second, of what the driver counts; it does not fall between two
    samples by more than the allocator gives back. Tensors and the allocator's reserve are counted exactly.
    """
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    peaks = {"host": anonymous_bytes(), "driver": used_bytes() if cuda else 0}
    done, found = threading.Event(), {}

    def watch() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            peaks["host"] = max(peaks["host"], anonymous_bytes())
            if cuda:
                peaks["driver"] = max(peaks["driver"], used_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
    found["hostAnonymousPeakGiB"] = peaks["host"]
    if cuda:
        found["driverPeakGiB"] = max(peaks["driver"], used_bytes())
        found["tensorPeakGiB"] = torch.cuda.max_memory_allocated()
        found["reservedPeakGiB"] = torch.cuda.max_memory_reserved()
        found["tensorGiB"] = torch.cuda.memory_allocated()
    for name, count in found.items():
        found[name] = round(count / GIB, 3)


def _nvidia_smi(query: str) -> list[str]:
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return finished.stdout.strip().splitlines()
