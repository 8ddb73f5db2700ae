"""The engine's own tests of transformer, sampling loop, memory plans and the checks of each block, on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "packages/engine"
ROOMS = ("transformer", "sampling", "memory", "serving/test_synchronizing.py")


def run() -> dict[str, str]:
    """Raises RuntimeError with the end of the output if a test fails."""
    command = [sys.executable, "-m", "pytest", "-q", *(f"tests/liveavatar/{room}" for room in ROOMS)]
    finished = subprocess.run(command, cwd=ENGINE, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(finished.stdout[-2000:] + finished.stderr[-2000:])
    return {"pytest": finished.stdout.strip().splitlines()[-1]}
