"""Sizes for people."""

from __future__ import annotations

_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def readable_size(count: int) -> str:
    """`9.97 GB`, `3.00 MB`, `12 B`."""
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"
