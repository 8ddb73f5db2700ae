"""Lines of the engine protocol: reading them from a descriptor, and what may stand in one besides its schema."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

READ_BYTES = 1 << 16
MAX_LINE_BYTES = 16 << 20
"""A render of ten hours, with a piece for every clip, takes a quarter of this."""


def read_lines(descriptor: int) -> Iterator[bytes]:
    """Lines of a descriptor until it closes. What a line has beyond `MAX_LINE_BYTES` + 1 is dropped.

    Not through sys.stdin: a thread that blocks in a buffered reader holds its lock, and the interpreter aborts over
    that lock when it shuts down.
    """
    pending = bytearray()
    while chunk := os.read(descriptor, READ_BYTES):
        first, *others = chunk.split(b"\n")
        pending += first[: MAX_LINE_BYTES + 1 - len(pending)]
        for other in others:
            yield bytes(pending)
            pending = bytearray(other)


@dataclass(frozen=True, kw_only=True)
class ParsedLine:
    """What a line says, before it is known to be sound: a refusal can then name the render it belongs to."""

    value: Any
    repeated_keys: tuple[str, ...]

    def check(self) -> None:
        """Raise ValueError for what JSON itself forbids, or what no text or path can hold."""
        if self.repeated_keys:
            raise ValueError(f"the key '{self.repeated_keys[0]}' stands twice in one object")
        _check_value(self.value, "the line")


def parse_line(line: bytes) -> ParsedLine:
    """Raises ValueError unless the line is JSON in UTF-8 and not too long, RecursionError where it nests too deep."""
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"the line is longer than {MAX_LINE_BYTES} bytes")
    repeated: list[str] = []

    def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                repeated.append(key)
            found[key] = value
        return found

    # Decoded here: json.loads would guess UTF-16 or UTF-32, and let surrogates through.
    value = json.loads(line.decode("utf-8"), object_pairs_hook=read_object)
    return ParsedLine(value=value, repeated_keys=tuple(repeated))


def _check_value(value: Any, place: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_value(inner, key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_value(inner, f"{place}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place} is {value}, which is no number in JSON")
    elif isinstance(value, str):
        if "\0" in value:
            raise ValueError(f"{place} contains a NUL character, which neither a path nor a prompt can")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError(f"{place} contains half of a surrogate pair, which is not a character")
