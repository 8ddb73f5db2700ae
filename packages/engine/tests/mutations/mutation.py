"""A fault put into the engine's source on purpose, to see whether a test notices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SOURCE = "farm_engine"
TESTS = "tests/liveavatar"


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """`old` occurs exactly once in `file` (below `farm_engine`); with `new` in its place one of `tests` should fail."""

    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def changed(self, package: Path) -> str:
        """The changed text of the file in the package's folder. Raises ValueError unless `old` is there once."""
        text = (package / SOURCE / self.file).read_text()
        if (count := text.count(self.old)) != 1:
            raise ValueError(f"{self.breaks!r}: {self.file} holds {self.old!r} {count} times, not once")
        return text.replace(self.old, self.new)


def mutations_of(file: str, *changes: tuple[str, str, str], tests: tuple[str, ...]) -> list[Mutation]:
    """Mutations of one file; `changes` are (what breaks, old text, new text). `tests` are below tests/liveavatar."""
    paths = tuple(f"{TESTS}/{test}" for test in tests)
    return [Mutation(breaks=breaks, file=file, old=old, new=new, tests=paths) for breaks, old, new in changes]
