"""The engine's command line: options are read immediately, PyTorch is imported only while the model loads.

Importing PyTorch takes seconds, or many on a cold disk; the worker receives `hello` and `alive` meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from farm_engine import __version__
from farm_engine.protocol import EngineError, RenderControl, RenderRequest, RenderResult, ReportLoading

if TYPE_CHECKING:
    from farm_engine.liveavatar.engine import LiveAvatarEngine


def create_engine(argv: list[str]) -> LaunchedEngine:
    """Engine from the command line's options."""
    parser = argparse.ArgumentParser(
        prog="farm_engine liveavatar", description="Renders with the Live Avatar model; see docs/liveavatar.md."
    )
    weights = parser.add_mutually_exclusive_group(required=True)
    weights.add_argument("--weights", type=Path, help="folder filled by `farm weights pull`")
    weights.add_argument("--tiny", action="store_true", help="a tiny model with random weights, to try the farm")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--compile", action="store_true", help="compile the layers: the first render takes longer, later ones less"
    )
    return LaunchedEngine(parser.parse_args(argv))


class LaunchedEngine:
    """The liveavatar engine, created when it has to load."""

    name = "liveavatar"
    version = __version__

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._engine: LiveAvatarEngine | None = None

    def load(self, report: ReportLoading) -> dict[str, str | int | bool]:
        """Raises EngineError `package-missing` where PyTorch or another library is not installed."""
        report("libraries", 0.0)
        try:
            from farm_engine.liveavatar.engine import LiveAvatarEngine
        except ModuleNotFoundError as error:
            raise EngineError(
                "package-missing",
                f"The liveavatar engine needs the Python package '{error.name}', which is not installed for "
                f"{sys.executable}. Install it with: pip install 'farm-engine[liveavatar]'",
                retriable="another-worker",
            ) from error
        options = self._options
        self._engine = LiveAvatarEngine(options.weights, device=options.device, compiled=options.compile)
        return self._engine.load(report)

    def render(self, request: RenderRequest, control: RenderControl) -> RenderResult:
        assert self._engine is not None
        return self._engine.render(request, control)
