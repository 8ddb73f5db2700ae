"""The file from which any worker can continue a video at the border between two clips."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from farm_engine.liveavatar.finite import is_finite
from farm_engine.liveavatar.memory.host_copy import HostCopy
from farm_engine.liveavatar.sampling.border_state import BorderState, BorderStateError
from farm_engine.protocol import EngineError


class BadBorderStateError(EngineError):
    """A border state from which no render can continue."""

    def __init__(self, path: Path, what: str) -> None:
        message = f"Border state {path}: {what}."
        super().__init__("bad-border-state", message, retriable="never", details={"path": str(path)})


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """`border`: what the rings are rebuilt from. `past` [16, n, H/8, W/8]: what the decoder is rebuilt from."""

    border: BorderState
    past: HostCopy

    def write(self, path: Path) -> None:
        """Raises OSError where it cannot be written; nothing is left of it then."""
        border = torch.frombuffer(bytearray(self.border.to_bytes()), dtype=torch.uint8)
        data = safetensors.torch.save({"border": border, "past": self.past.read().contiguous()})
        draft = path.with_name(path.name + ".part")
        try:
            draft.write_bytes(data)
            draft.rename(path)
        except Exception:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    @classmethod
    def read(cls, path: Path) -> SavedState:
        """Raises BadBorderStateError for a file that is unreadable or holds what no video can continue from."""
        if not path.is_file():  # opening a FIFO would wait for a writer
            raise BadBorderStateError(path, "it is not a file" if path.exists() else "it does not exist")
        try:
            tensors = safetensors.torch.load_file(path)
            border, past = BorderState.from_bytes(tensors["border"].numpy().tobytes()), tensors["past"]
        except (OSError, SafetensorError, KeyError, BorderStateError) as error:
            raise BadBorderStateError(path, str(error)) from error
        if not all(is_finite(tensor) for tensor in (past, *_tensors(border))):
            raise BadBorderStateError(path, "it contains NaN or infinity")
        return cls(border=border, past=HostCopy(past))


def _tensors(border: BorderState) -> Iterator[Tensor]:
    conditions = border.conditions
    yield from (conditions.reference, conditions.motion, conditions.text)
    if conditions.anchor is not None:
        yield conditions.anchor
    for clip in border.history:
        yield from (clip.inputs, clip.audio)
