"""What can be wrong with weights on disk."""

from __future__ import annotations

from pathlib import Path

from farm_engine.protocol.errors import EngineError


class WeightsMissingError(EngineError):
    """A file of the published layout is not there."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "weights-missing",
            f"{path} does not exist. Fetch the published weights with `farm weights pull`, or correct the folder that "
            "the engine was given.",
            retriable="another-worker",
            details={"path": str(path)},
        )


class WeightsWrongError(EngineError):
    """A file is there but is not what was published: unreadable, truncated, or of other names, shapes or contents."""

    def __init__(self, path: Path, what: str, **details: str | int | float | bool) -> None:
        super().__init__(
            "weights-wrong",
            f"{path}: {what}. Look for the damaged files with `farm weights check`, and fetch those again with "
            "`farm weights pull`.",
            retriable="another-worker",
            details={"path": str(path), **details},
        )
