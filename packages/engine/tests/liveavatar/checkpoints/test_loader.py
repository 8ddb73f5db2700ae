"""What loading needs in memory."""

from __future__ import annotations

import ctypes
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from farm_engine.liveavatar.checkpoints.loader import load_weights
from farm_engine.liveavatar.checkpoints.sources import PickledFile, SafetensorsFile

CPU = torch.device("cpu")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["converted", "as in the file"])
def test_loading_never_holds_the_weights_twice(tmp_path, suffix, dtype):
    width, layers = 2048, 12
    module_shape = [(width, width)] * layers
    tensors = {f"{i}.weight": torch.zeros(shape) for i, shape in enumerate(module_shape)}
    path = tmp_path / f"weights{suffix}"
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    weight_bytes = sum(tensor.numel() for tensor in tensors.values()) * dtype.itemsize
    del tensors
    with torch.device("meta"):
        module = torch.nn.Sequential(*(torch.nn.Linear(width, width, bias=False) for _ in module_shape))
    ctypes.CDLL(None).malloc_trim(0)  # freed memory must not hide what loading takes
    before = anonymous_bytes()
    with peak_of(anonymous_bytes) as peak:
        source = SafetensorsFile(path) if suffix == ".safetensors" else PickledFile(path)
        load_weights(module, source, device=CPU, dtype=dtype)
    held = weight_bytes if dtype != torch.float32 else 0
    largest = weight_bytes / layers
    assert held - largest < peak.value - before < held + 2 * largest


def anonymous_bytes() -> int:
    """Memory of this process that is not backed by a file."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


@contextmanager
def peak_of(measure):
    """Ask `measure` all the time in a thread; `value` is the largest answer."""
    seen, done = SimpleNamespace(value=0), threading.Event()

    def watch() -> None:
        while not done.wait(0.0005):
            seen.value = max(seen.value, measure())

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    done.set()
    thread.join()
    seen.value = max(seen.value, measure())
