"""Compare the files in a weights folder with what was pulled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from farm_engine.weights.errors import NotPulledError
from farm_engine.weights.inventory import FILE_NAME, Inventory, PulledFile, sha256_of

State = Literal["right", "missing", "wrong size", "wrong contents"]


@dataclass(frozen=True)
class CheckedFile:
    file: PulledFile
    state: State
    found: str
    """What was found instead: a size or a hash; empty when the file is right or missing."""


def check(
    folder: Path, *, contents: bool = True, report: Callable[[int], None] = lambda count: None
) -> list[CheckedFile]:
    """Check every file of the inventory: presence, size, and with `contents` its SHA-256.

    Files whose contents are right need not be read again until they change: see `check_changed`. `report` receives the
    number of bytes that each step read. Raises NotPulledError where the folder has no inventory.
    """
    inventory = Inventory.read(folder)
    if not inventory.files:
        raise NotPulledError(
            f"{folder} has no {FILE_NAME}, so there is nothing to compare with. Run `farm weights pull --folder "
            f"{folder}`: it verifies the files that are there and fetches only the others."
        )
    results = [_check_file(folder, file, contents=contents, report=report) for file in inventory.files.values()]
    if contents:
        _note_verified(folder, inventory, results)
    return results


def check_changed(folder: Path, announce: Callable[[PulledFile], None] = lambda file: None) -> list[CheckedFile]:
    """Check what was pulled, reading only files that changed since their contents were verified.

    `announce` is called with each of those. Empty where the folder has no inventory: there is nothing to compare with.
    """
    results = []
    for file in Inventory.read(folder).files.values():
        path = folder / file.path
        if path.is_file() and file.is_unchanged(path):
            results.append(CheckedFile(file, "right", ""))
            continue
        announce(file)
        results.append(_check_file(folder, file, contents=True))
    return results


def _note_verified(folder: Path, inventory: Inventory, results: list[CheckedFile]) -> None:
    for result in results:
        if result.state == "right":
            modified_ns = (folder / result.file.path).stat().st_mtime_ns
            inventory.files[result.file.path] = replace(result.file, modified_ns=modified_ns)
    with contextlib.suppress(OSError):  # a read-only folder is checked all the same
        inventory.write(folder)


def _check_file(
    folder: Path, file: PulledFile, *, contents: bool, report: Callable[[int], None] = lambda count: None
) -> CheckedFile:
    path = folder / file.path
    if not path.is_file():
        return CheckedFile(file, "missing", "")
    size = path.stat().st_size
    if size != file.size:
        return CheckedFile(file, "wrong size", f"{size} bytes instead of {file.size}")
    if contents and (found := sha256_of(path, report)) != file.sha256:
        return CheckedFile(file, "wrong contents", f"SHA-256 {found} instead of {file.sha256}")
    return CheckedFile(file, "right", "")
