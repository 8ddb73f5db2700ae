"""Fetch what is missing, verify everything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from farm_engine.weights.catalog import CATALOG, Repository
from farm_engine.weights.errors import DiskFullError, DownloadCorruptError
from farm_engine.weights.hub import Hub, PublishedFile
from farm_engine.weights.inventory import Inventory, PulledFile, sha256_of
from farm_engine.weights.sizes import readable_size

DISK_SLACK_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class BroughtFile:
    """File `number` of `count` (from 1) is verified; `fetched` is false where it was there already."""

    number: int
    count: int
    file: PulledFile
    fetched: bool


def pull(
    folder: Path,
    hub: Hub,
    *,
    report: Callable[[BroughtFile], None],
    catalog: Sequence[Repository] = CATALOG,
) -> Inventory:
    """Make the weights folder match what the hub publishes; files that are already right are not fetched again.

    Downloads continue where an earlier pull stopped. Every file's contents are compared with the published hash, then
    recorded in the inventory; `report` is then called with it. Raises WeightsError.
    """
    files = [file for repository in catalog for file in hub.files_of(repository)]
    folder.mkdir(parents=True, exist_ok=True)
    _check_disk(folder, files)
    inventory = Inventory.read(folder)
    for number, file in enumerate(files, start=1):
        fetched = _bring(file, folder, hub=hub, inventory=inventory)
        inventory.write(folder)
        report(BroughtFile(number=number, count=len(files), file=inventory.files[file.path], fetched=fetched))
    return inventory


def _bring(file: PublishedFile, folder: Path, *, hub: Hub, inventory: Inventory) -> bool:
    """Fetch the file unless it is right, and record it; returns whether it had to be fetched."""
    path = folder / file.path
    fetched = not file.is_at(path)
    if fetched:
        inventory.files.pop(file.path, None)
        _fetch(file, path, hub)
    inventory.files[file.path] = PulledFile(
        path=file.path,
        size=file.size,
        sha256=file.sha256 or sha256_of(path),
        repository=file.repository.name,
        revision=file.revision,
        modified_ns=path.stat().st_mtime_ns,
    )
    return fetched


def _fetch(file: PublishedFile, path: Path, hub: Hub) -> None:
    """Download next to `path`, verify, and only then move there. Wrong bytes get one more try, from nothing."""
    part = path.with_name(path.name + ".part")
    for _ in range(2):
        hub.fetch(file, part)
        if file.is_at(part):
            os.replace(part, path)
            return
        part.unlink()
    published = f"SHA-256 {file.sha256}" if file.sha256 else f"git blob {file.git_blob}"
    raise DownloadCorruptError(
        f"{hub.endpoint} sent {file.name} of {file.repository.name} twice with other contents than it publishes "
        f"({published}); both were dropped. Set HF_ENDPOINT to another mirror, or look for a proxy that changes "
        "downloads."
    )


def _check_disk(folder: Path, files: Sequence[PublishedFile]) -> None:
    needed = sum(file.size for file in files if not _has_size(folder / file.path, file.size))
    free = shutil.disk_usage(folder).free
    if needed and needed + DISK_SLACK_BYTES > free:
        raise DiskFullError(
            f"The files still to fetch need {readable_size(needed)}, but {folder} has {readable_size(free)} free. "
            "Free some space, or give another folder with --folder."
        )


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
