"""Reading the files that a render command names."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

from farm_engine.protocol.errors import EngineError
from farm_engine.protocol.host_memory import OutOfHostMemoryError, out_of_host_memory

_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


class InputUnreadableError(EngineError):
    """This machine cannot read the file; another one may, where it is downloaded again."""

    def __init__(self, path: Path, what: str, reason: str) -> None:
        super().__init__(
            "input-unreadable",
            f"The {what} {path} cannot be read: {reason}. Look at the disk, the permissions and the limit of open "
            "files of this worker.",
            retriable="another-worker",
            details={"path": str(path)},
        )


def read_input(path: Path, what: str, bad: Callable[[str], EngineError]) -> bytes:
    """The file's contents. Raises `bad(reason)` where the path names no file, InputUnreadableError where this machine
    cannot read it, OutOfHostMemoryError."""
    try:
        if path.exists() and not path.is_file():
            raise bad("it is not a file")  # opening a FIFO would wait for a writer
        return path.read_bytes()
    except (OSError, MemoryError) as error:
        if out_of_host_memory(error):
            raise OutOfHostMemoryError(error, f"read the {what} {path}") from error
        reason = error.strerror or str(error)
        raise (bad(reason) if error.errno in _NO_FILE else InputUnreadableError(path, what, reason)) from error
