"""What was pulled: `farm-weights.json` in the weights folder, so that files can be verified without the network."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE_NAME = "farm-weights.json"
EARLIER_FILE_NAME = "farm-models.json"
"""What pulls up to version 0.1 wrote; read where there is no `farm-weights.json`, and replaced by the next write."""
SCHEMA = 1
_READ_BYTES = 8 << 20


@dataclass(frozen=True)
class PulledFile:
    """Path below the weights folder, size in bytes, SHA-256 in hex, and the commit of the repository it came from.

    `modified_ns` is when the file was last changed, as the file system said when its contents were verified.
    """

    path: str
    size: int
    sha256: str
    repository: str
    revision: str
    modified_ns: int | None = None

    def is_unchanged(self, path: Path) -> bool:
        """Whether the file at `path` is still the one that was verified, by size and time, without reading it."""
        status = path.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.modified_ns)


def inventory_path(folder: Path) -> Path:
    """Where the folder's inventory is, under its current name unless only the earlier one exists."""
    path, earlier = folder / FILE_NAME, folder / EARLIER_FILE_NAME
    return earlier if earlier.exists() and not path.exists() else path


@dataclass
class Inventory:
    """The pulled files of one weights folder, by path."""

    files: dict[str, PulledFile] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Inventory:
        """The folder's inventory; an empty one where nothing was pulled yet.

        Raises ValueError, KeyError or TypeError where the file is not an inventory.
        """
        try:
            content = json.loads(inventory_path(folder).read_text())
        except FileNotFoundError:
            return cls()
        return cls({file["path"]: PulledFile(**file) for file in content["files"]})

    def write(self, folder: Path) -> None:
        """Replace the folder's inventory. A reader sees the one before or this one, never half of it."""
        content = {"schema": SCHEMA, "files": [asdict(file) for file in self.files.values()]}
        draft = folder / (FILE_NAME + ".part")
        draft.write_text(json.dumps(content, indent=2) + "\n")
        os.replace(draft, folder / FILE_NAME)
        (folder / EARLIER_FILE_NAME).unlink(missing_ok=True)


def sha256_of(path: Path, report: Callable[[int], None] = lambda count: None) -> str:
    """SHA-256 of a file, in hex; `report` receives the number of bytes that each step read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
            report(len(chunk))
    return digest.hexdigest()


def git_blob_of(path: Path) -> str:
    """The id that git gives the file's contents: what a hub publishes for small files instead of a SHA-256."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
