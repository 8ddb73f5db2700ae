"""Files that hold named tensors. Opening one reads names and shapes only; `read` maps a tensor's bytes from disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from farm_engine.liveavatar.checkpoints.errors import WeightsMissingError, WeightsWrongError
from farm_engine.protocol.host_memory import out_of_host_memory

_log = logging.getLogger(__name__)
_ZIP_MAGIC = b"PK\x03\x04"


class TensorSource(Protocol):
    path: Path
    shapes: Mapping[str, tuple[int, ...]]

    def read(self, name: str) -> Tensor:
        """The tensor, on the CPU, backed by the file where the format allows it."""
        ...


_NUMBERS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def read_numbers(source: TensorSource, name: str) -> Tensor:
    """Raises WeightsWrongError for a tensor that is quantized, complex or not of floating-point numbers: as the numbers
    it was made from it would be read without a word."""
    tensor = source.read(name)
    if tensor.dtype not in _NUMBERS:
        dtype = str(tensor.dtype).removeprefix("torch.")
        raise WeightsWrongError(
            source.path,
            f"the tensor {name} is of {dtype}, not of 16, 32 or 64 bit floats",
            kind="wrong-dtype",
            tensor=name,
        )
    return tensor


class SafetensorsFile:
    """One `.safetensors` file.

    Raises WeightsMissingError, or WeightsWrongError if the file is truncated or of another format.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise WeightsMissingError(path)
        self.path = path
        try:
            self._file = safe_open(path, framework="pt", device="cpu")
            self.shapes = {name: tuple(self._file.get_slice(name).get_shape()) for name in self._file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise WeightsWrongError(path, f"it is truncated or not a safetensors file ({error})") from error

    def read(self, name: str) -> Tensor:
        return self._file.get_tensor(name)


class ShardedSafetensors:
    """A model split into several `.safetensors` files, listed by an index. The index and the files must agree."""

    def __init__(self, index_path: Path) -> None:
        if not index_path.is_file():
            raise WeightsMissingError(index_path)
        self.path = index_path
        try:
            owners = json.loads(index_path.read_text())["weight_map"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise WeightsWrongError(index_path, f"it is not an index of shards ({error})") from error
        if not isinstance(owners, dict) or not all(isinstance(file, str) and file for file in owners.values()):
            raise WeightsWrongError(index_path, "its weight_map is not from tensors to names of files")
        files = {file: SafetensorsFile(index_path.with_name(file)) for file in sorted(set(owners.values()))}
        for file, shard in files.items():
            listed = {name for name, owner in owners.items() if owner == file}
            check_names(shard.path, expected=listed, found=set(shard.shapes))
        self._owners = {name: files[file] for name, file in owners.items()}
        self.shapes = {name: shard.shapes[name] for name, shard in self._owners.items()}

    def read(self, name: str) -> Tensor:
        return self._owners[name].read(name)


class PickledFile:
    """A `.pth` file: a dictionary of tensors. Only tensors are unpickled, and their bytes stay on disk until read.

    A file in the format of PyTorch before 1.6 cannot be mapped: it is copied into memory, and the log says so.

    Raises WeightsMissingError, or WeightsWrongError if the file is truncated or of another format.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise WeightsMissingError(path)
        self.path = path
        self._tensors = _load_tensors(path, mmap=True) if _is_zip(path) else _load_copied(path)
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self._tensors.items()}

    def read(self, name: str) -> Tensor:
        return self._tensors[name]


def _is_zip(path: Path) -> bool:
    """Whether the file begins as a zip archive does, be it complete or not."""
    with path.open("rb") as file:
        return file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC


def _load_copied(path: Path) -> dict[str, Tensor]:
    file_bytes = path.stat().st_size
    # A host without memory for the file fails here, as what it is; what fails while unpickling is the file's fault.
    torch.empty(file_bytes, dtype=torch.uint8)
    tensors = _load_tensors(path, mmap=False)
    storages = (tensor.untyped_storage() for tensor in tensors.values())
    copied_bytes = sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
    if copied_bytes > file_bytes:  # storages that the file announces and does not hold are left uninitialized
        raise WeightsWrongError(path, f"its tensors need {copied_bytes} bytes, but the file has {file_bytes}")
    _log.warning(
        "%s is in PyTorch's legacy format, which cannot be mapped from disk: %.2f GB are copied into host memory.",
        path,
        copied_bytes / 1e9,
    )
    return tensors


def _load_tensors(path: Path, *, mmap: bool) -> dict[str, Tensor]:
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # a damaged pickle can make the unpickler raise anything
        # Only of a mapped file: a damaged legacy one may announce more than any host has.
        if mmap and out_of_host_memory(error):
            raise
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsWrongError(path, f"it is truncated or not a PyTorch file of tensors ({first_line})") from error
    if not isinstance(tensors, dict) or not all(map(_is_named_tensor, tensors.items())):
        raise WeightsWrongError(path, "it holds something other than a dictionary of tensors")
    return tensors


def _is_named_tensor(item: tuple[object, object]) -> bool:
    name, tensor = item
    return isinstance(name, str) and isinstance(tensor, Tensor) and tensor.layout == torch.strided and tensor.is_cpu


def check_names(path: Path, *, expected: set[str], found: set[str]) -> None:
    """Raises WeightsWrongError that names the tensors missing from `found` or not in `expected`."""
    if prefix := _added_prefix(expected, found):
        raise WeightsWrongError(
            path,
            f"the names of its tensors begin with {prefix!r}, which those of the published file do not: "
            "take that file, or rename them",
            kind="unexpected",
            tensor=min(found - expected),
        )
    for kind, names in (("missing", expected - found), ("unexpected", found - expected)):
        if names:
            shown = ", ".join(sorted(names)[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            raise WeightsWrongError(path, f"{len(names)} {kind} tensor(s): {shown}", kind=kind, tensor=min(names))


def _added_prefix(expected: set[str], found: set[str]) -> str:
    """What other programs put before every name, such as `diffusion_model.`; empty if the names differ otherwise."""
    if expected & found or not found:
        return ""
    parts = min(found).split(".")
    suffixes = (".".join(parts[count:]) for count in range(1, len(parts)))
    known = next((suffix for suffix in suffixes if suffix in expected), None)
    return "" if known is None else min(found).removesuffix(known)
