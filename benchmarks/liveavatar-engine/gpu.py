"""The whole engine on one GPU at real size, in one command of under nine minutes on an H200.

    PYTHONPATH=packages/engine python benchmarks/liveavatar-engine/gpu.py RESULT.json [--rehearse]

Frames per second end to end and the peak as the driver counts it, eager and compiled, each size in a fresh process;
40 clips in a row; the larger size on a card of 80 GB, by a cap; a render stopped after a clip and resumed in another
process. Without `--weights` a published layout with random weights is written first (47 GB of disk). The result is
rewritten after every figure, so a run that is cut off leaves what it measured; a part that the time left is too
short for is skipped and says so. `--rehearse` tries everything with the tiny model and small videos, with a GPU or
without one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

PARTS_PROGRAM = Path(__file__).with_name("gpu_part.py")
USABLE_GIB_OF_80_GB = 79.1
"""What a process can fill on an 80 GB card, the CUDA context included."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A process of its own. `seconds`: how long it takes on an H200, at the most; `needs`: whose files it reads."""

    name: str
    arguments: list[str]
    seconds: int
    needs: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


def parts_of(options: argparse.Namespace, folder: Path) -> list[Part]:
    """In the order of what they are worth."""
    tiny = options.rehearse
    weights = str(options.weights or folder / "weights")
    small, large = ("64x64", "128x64") if tiny else ("384x256", "704x384")
    clips, many, few = ("2", "4", "2") if tiny else ("10", "40", "3")
    common = ["--weights", weights, "--folder", str(folder), "--ffmpeg", options.ffmpeg]

    def render(size: str, *more: str, clips: str = clips) -> list[str]:
        return ["render", *common, "--size", size, "--clips", clips, *more]

    write = Part(name="weights", arguments=["write", *common, *(["--tiny"] if tiny else [])], seconds=80)
    cap = ["--cap-gib", str(USABLE_GIB_OF_80_GB)]
    expandable = "expandable_segments:True"
    return [
        *([] if options.weights else [write]),
        Part(name=f"eager {large}", arguments=render(large), seconds=95),
        Part(name=f"compiled {large}", arguments=render(large, "--compile"), seconds=105),
        Part(
            name=f"compiled {small}",
            arguments=render(small, "--compile", "--many-clips", many, "--encoders", "--out-of-memory"),
            seconds=145,
        ),
        Part(name=f"eager {small}", arguments=render(small), seconds=55),
        Part(name=f"card of 80 GB {large}", arguments=render(large, *cap, clips=few), seconds=45),
        Part(name=f"unbroken {small}", arguments=["record", *common, "--size", small], seconds=40),
        Part(
            name=f"resumed {small}",
            arguments=["resume", *common, "--size", small],
            seconds=35,
            needs=f"unbroken {small}",
        ),
        Part(
            name=f"expandable segments {large}",
            arguments=render(large, clips=few),
            seconds=45,
            environment={"PYTORCH_CUDA_ALLOC_CONF": expandable, "PYTORCH_ALLOC_CONF": expandable},
        ),
    ]


class Report:
    """What the parts print, by part, in a file that is complete at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.began = time.monotonic()
        self._content: dict[str, object] = {"what": " ".join((__doc__ or "").split(".")[0].split()), "parts": {}}

    def add(self, part: str, name: str, value: object) -> None:
        self._content["parts"].setdefault(part, {})[name] = value
        draft = self._path.with_name(self._path.name + ".part")
        draft.write_text(json.dumps(self._content, indent=1) + "\n")
        draft.replace(self._path)
        shown = {key: kept for key, kept in value.items() if key != "series"} if isinstance(value, dict) else value
        print(f"[{time.monotonic() - self.began:6.1f}] {part}, {name}: {json.dumps(shown)}", flush=True)


def run_part(part: Part, report: Report, *, seconds_left: float) -> bool:
    """Whether the part ran to its end. It prints one JSON object per line: name and value of a figure."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(PARTS_PROGRAM), *part.arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **part.environment},
    )
    deadline = threading.Timer(seconds_left, process.kill)
    deadline.start()
    try:
        for line in process.stdout:
            figure = json.loads(line)
            report.add(part.name, figure["name"], figure["value"])
    finally:
        deadline.cancel()
    if process.wait() == 0:
        return True
    in_time = time.monotonic() - began < seconds_left
    why = f"exit code {process.returncode}, see stderr" if in_time else f"stopped after {seconds_left:.0f} s"
    report.add(part.name, "failed", why)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    parser.add_argument(
        "--weights", type=Path, help="folder in the published layout; random ones are written if absent"
    )
    parser.add_argument("--ffmpeg", default=shutil.which("ffmpeg"), help="found in PATH if not given")
    parser.add_argument("--seconds", type=float, default=540, help="when to stop; %(default)s")
    parser.add_argument("--only", help="comma-separated prefixes of part names")
    parser.add_argument("--rehearse", action="store_true", help="tiny model, small videos, any machine")
    options = parser.parse_args()
    if options.ffmpeg is None:
        parser.error("no ffmpeg in PATH: install it, or name it with --ffmpeg")
    if not options.rehearse and shutil.which("nvidia-smi") is None:
        parser.error("no nvidia-smi in PATH, so no GPU: run it where there is one, or add --rehearse")
    options.result.parent.mkdir(parents=True, exist_ok=True)
    report, done = Report(options.result), {None: True}
    with tempfile.TemporaryDirectory() as folder:
        for part in parts_of(options, Path(folder)):
            left = options.seconds - (time.monotonic() - report.began)
            if options.only and not part.name.startswith(("weights", *options.only.split(","))):
                continue
            if not done.get(part.needs):
                report.add(part.name, "skipped", f"it needs the files of: {part.needs}")
                continue
            if not options.rehearse and left < part.seconds:
                report.add(part.name, "skipped", f"{left:.0f} s are left, it needs {part.seconds}")
                continue
            done[part.name] = run_part(part, report, seconds_left=max(1, left))
            if part.name == "weights" and not done[part.name]:
                break
    return 0 if all(done.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
