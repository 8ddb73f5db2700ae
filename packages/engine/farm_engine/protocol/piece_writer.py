"""Writing one piece's frames into its FIFO."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import select
import stat
import time
from collections.abc import Callable

from farm_engine.protocol.errors import EngineError
from farm_engine.protocol.request import Piece

OPEN_TIMEOUT_SECONDS = 30.0
OPEN_RETRY_SECONDS = 0.005
WAIT_MILLISECONDS = 100
PIPE_BYTES = 1 << 20


class PieceWriter:
    """Writes exactly `byte_count` bytes and computes their SHA-256.

    The descriptor never blocks, so that `check_interrupted` (which raises) is called at least every 100 ms while the
    encoder is absent or slow. Raises EngineError `encoder-gone`.
    """

    def __init__(self, piece: Piece, byte_count: int, check_interrupted: Callable[[], None]) -> None:
        self.piece = piece
        self.remaining_bytes = byte_count
        self._check_interrupted = check_interrupted
        self._hash = hashlib.sha256()
        self._descriptor = self._open()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)

    def write(self, data: memoryview) -> None:
        """Write bytes, at most `remaining_bytes` of them."""
        assert len(data) <= self.remaining_bytes
        self._hash.update(data)
        self.remaining_bytes -= len(data)
        while data:
            self._poll.poll(WAIT_MILLISECONDS)
            self._check_interrupted()
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise self._encoder_gone("the encoder closed it before the piece was complete") from error

    def finish(self) -> str:
        """Close the FIFO and return the SHA-256 of what was written, in hex."""
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> int:
        deadline = time.monotonic() + OPEN_TIMEOUT_SECONDS
        while True:
            self._check_interrupted()
            try:
                if not stat.S_ISFIFO(os.stat(self.piece.fifo_path).st_mode):
                    # Opening and writing would succeed, and the frames would reach nobody.
                    raise self._encoder_gone("the path is not a FIFO")
                descriptor = os.open(self.piece.fifo_path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                break
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise self._encoder_gone(f"it could not be opened ({error.strerror})") from error
            if time.monotonic() > deadline:
                raise self._encoder_gone(f"the encoder did not open it for reading within {OPEN_TIMEOUT_SECONDS:.0f} s")
            time.sleep(OPEN_RETRY_SECONDS)
        with contextlib.suppress(OSError):  # a smaller pipe only means more system calls
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return descriptor

    def _encoder_gone(self, what: str) -> EngineError:
        return EngineError(
            "encoder-gone",
            f"FIFO {self.piece.fifo_path} of piece {self.piece.index}: {what}. "
            "Look for the reason in the encoder's own output.",
            retriable="this-worker",
            details={"pieceIndex": self.piece.index},
        )
