"""How a render ends early: a named failure, or a requested interrupt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Retriable = Literal["this-worker", "another-worker", "never"]
Details = Mapping[str, str | int | float | bool]


class EngineError(Exception):
    """A failure the farm can act on.

    `code` is stable and hyphenated (`encoder-gone`); `message` says what was tried, with what, and what a person can
    do next; `retriable` says where the same request may succeed. With `fatal` the process reports the error and exits,
    because the engine cannot continue (a lost GPU, for example).
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retriable: Retriable,
        details: Details | None = None,
        fatal: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retriable = retriable
        self.details = dict(details or {})
        self.fatal = fatal


class Interrupted(Exception):
    """The render was asked to stop. Engines let it pass; the process then sends the event `interrupted`."""
