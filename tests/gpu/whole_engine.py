"""The whole engine, in processes of its own: frames per second, peak, memory over clips, stop and resume."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks/liveavatar-engine/gpu.py"


def measure(result: Path, *, rehearse: bool) -> dict[str, object]:
    """What the program wrote to `result`, which is complete at any time. Raises RuntimeError if a part failed."""
    command = [sys.executable, str(PROGRAM), str(result), *(["--rehearse"] if rehearse else [])]
    finished = subprocess.run(command, check=False)
    if finished.returncode:
        raise RuntimeError(f"a part failed: {result} says which, and has what the others measured")
    return json.loads(result.read_text())
