"""Does memory grow with the number of clips? The tiny model on the CPU, 20 clips against 200, each in its own process.

PYTHONPATH=packages/engine python benchmarks/liveavatar-engine/memory.py [RESULT.json]
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from render_job import UPSTREAM_GROWTH, environment, render_clips

from farm_engine.liveavatar.engine import LiveAvatarEngine

CLIPS = (20, 200)
SIZE = 64


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--clips":
        print(json.dumps(measure(int(sys.argv[2]))))
        return
    runs = [in_own_process(clips) for clips in CLIPS]
    short, long = (run["series"] for run in runs)
    result = {
        **environment(),
        "model": "tiny, random weights",
        "upstream": UPSTREAM_GROWTH,
        "runs": runs,
        "hostGiBAfter20Clips": [short[-1]["hostGiB"], long[CLIPS[0] - 1]["hostGiB"]],
        "hostGiBAfter200Clips": long[-1]["hostGiB"],
        "hostGiBAtClip": {str(clip): long[clip - 1]["hostGiB"] for clip in (1, 20, 60, 100, 140, 180, 200)},
    }
    if len(sys.argv) == 2:
        Path(sys.argv[1]).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({name: value for name, value in result.items() if name != "runs"}, indent=1))


def in_own_process(clips: int) -> dict:
    command = [sys.executable, __file__, "--clips", str(clips)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure(clips: int) -> dict:
    engine = LiveAvatarEngine(None, device="cpu")
    engine.load(lambda phase, fraction: None)
    with tempfile.TemporaryDirectory() as folder:
        ffmpeg = shutil.which("ffmpeg")
        return render_clips(engine, clips, width=SIZE, height=SIZE, folder=Path(folder), ffmpeg=ffmpeg)


if __name__ == "__main__":
    main()
