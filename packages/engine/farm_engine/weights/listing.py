"""Which files belong to the model, and which of them are in a weights folder."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from farm_engine.weights.catalog import CATALOG, Repository
from farm_engine.weights.inventory import Inventory

State = Literal["pulled", "unverified", "missing"]


@dataclass(frozen=True)
class ListedFile:
    """Path below the weights folder; size in bytes where it is there, the commit where a pull brought or verified it.

    The path of a missing file may hold a `*`: what is published under it is known after a pull.
    """

    path: str
    repository: str
    state: State
    size: int | None
    revision: str | None


def list_files(folder: Path) -> list[ListedFile]:
    """Every file that the engine needs, in the order of the catalog. Reads no contents and no network."""
    inventory = Inventory.read(folder)
    return [
        _listed(folder, path, repository=repository, inventory=inventory)
        for repository in CATALOG
        for pattern in repository.files
        for path in _paths_of(folder, f"{repository.folder}/{pattern}", inventory)
    ]


def _paths_of(folder: Path, pattern: str, inventory: Inventory) -> list[str]:
    present = [path.relative_to(folder).as_posix() for path in folder.glob(pattern)]
    return sorted({*present, *fnmatch.filter(inventory.files, pattern)}) or [pattern]


def _listed(folder: Path, path: str, *, repository: Repository, inventory: Inventory) -> ListedFile:
    pulled = inventory.files.get(path)
    revision = pulled.revision if pulled else None
    if not (folder / path).is_file():
        return ListedFile(path, repository.name, "missing", None, revision)
    size = (folder / path).stat().st_size
    return ListedFile(path, repository.name, "pulled" if pulled else "unverified", size, revision)
