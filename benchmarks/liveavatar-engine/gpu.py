"""The whole engine on one GPU at real size: loading, frames a second end to end, peak, memory against clips.

    PYTHONPATH=packages/engine python benchmarks/liveavatar-engine/gpu.py RESULT.json [--weights FOLDER] [--ffmpeg PATH]

Without `--weights` a published layout with random weights is written first (46 GB of disk). The result is written anew
after every part, so a run that is cut off leaves what it measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import torch
from render_job import GIB, environment, render_clips

from farm_engine.host import EngineError
from farm_engine.liveavatar.checkpoints import generator
from farm_engine.liveavatar.compilation import compile_layers
from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.liveavatar.serving.conditions import encode_still

SMALL, LARGE = {"width": 384, "height": 256}, {"width": 704, "height": 384}


class Report:
    """Parts of the result, printed as they come and kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path, self._parts, self._began = path, environment(), time.monotonic()

    def add(self, name: str, value: object) -> None:
        self._parts[name] = value
        self._path.write_text(json.dumps(self._parts, indent=1) + "\n")
        shown = {key: part for key, part in value.items() if key != "series"} if isinstance(value, dict) else value
        print(f"[{time.monotonic() - self._began:6.1f}] {name}: {json.dumps(shown)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--ffmpeg", default=shutil.which("ffmpeg"))
    arguments = parser.parse_args()
    report = Report(arguments.result)
    with tempfile.TemporaryDirectory() as folder:
        weights = arguments.weights or write_weights(Path(folder) / "weights", report)
        engine = load(weights, report)
        measure_encoders(engine, report)

        def render(name: str, clips: int, size: dict[str, int]) -> None:
            part = render_clips(engine, clips, **size, folder=Path(folder) / name, ffmpeg=arguments.ffmpeg)
            report.add(name, part)

        render("eager704x384", 10, LARGE)
        compile_layers(engine._models.transformer)
        render("compiled704x384WarmUp", 1, LARGE)
        render("compiled704x384", 10, LARGE)
        render("compiled384x256WarmUp", 1, SMALL)
        render("compiled384x256", 10, SMALL)
        render("compiled384x256For40Clips", 40, SMALL)
        report.add("outOfMemory", run_out_of_memory(engine, Path(folder) / "oom", arguments.ffmpeg))


def write_weights(folder: Path, report: Report) -> Path:
    seconds, _ = timed(lambda: generator.write_published_layout(folder, generator.FULL))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    report.add("writingRandomWeights", {"seconds": seconds, "gigabytes": round(size / 1e9, 2)})
    return folder


def load(weights: Path, report: Report) -> LiveAvatarEngine:
    engine = LiveAvatarEngine(weights)
    phases: dict[str, float] = {}
    began = time.monotonic()
    with peak_of(anonymous_bytes) as host_peak:
        seconds, description = timed(
            lambda: engine.load(lambda phase, fraction: phases.update({phase: round(time.monotonic() - began, 2)}))
        )
    report.add(
        "loading",
        {
            "seconds": seconds,
            "phaseEndsAtSeconds": phases,
            "hostAnonymousPeakGiB": round(host_peak["bytes"] / GIB, 3),
            "deviceAllocatedGiB": round(torch.cuda.memory_allocated() / GIB, 3),
            "devicePeakAllocatedGiB": round(torch.cuda.max_memory_allocated() / GIB, 3),
            "description": description,
        },
    )
    return engine


def measure_encoders(engine: LiveAvatarEngine, report: Report) -> None:
    models = engine._models
    prompt = "A person in a quiet room speaks to the camera, calm light, shallow depth of field."
    portrait = torch.zeros(3, LARGE["height"], LARGE["width"])
    seconds = {
        "promptFirst": timed(lambda: models.text.encode(prompt))[0],
        "promptAgain": timed(lambda: models.text.encode(prompt + " Again."))[0],
        "portrait704x384First": timed(lambda: encode_still(models.vae, portrait))[0],
        "portrait704x384": timed(lambda: encode_still(models.vae, portrait))[0],
    }
    report.add("encoderSeconds", seconds)


def run_out_of_memory(engine: LiveAvatarEngine, folder: Path, ffmpeg: str) -> dict[str, object]:
    """Leave the card too little for a video, and see the failure named and the engine alive."""
    engine._kept = None
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    ballast = torch.empty(free - 8 * GIB, dtype=torch.uint8, device="cuda")
    try:
        render_clips(engine, 1, **SMALL, folder=folder, ffmpeg=ffmpeg)
        outcome: dict[str, object] = {"failed": False}
    except EngineError as error:
        outcome = {"code": error.code, "message": error.message, "retriable": error.retriable, **error.details}
    del ballast
    torch.cuda.empty_cache()
    after = render_clips(engine, 1, **SMALL, folder=folder, ffmpeg=ffmpeg)
    return {**outcome, "framesAfterwards": after["frames"]}


def timed(action: Callable[[], object]) -> tuple[float, object]:
    began = time.monotonic()
    result = action()
    torch.cuda.synchronize()
    return round(time.monotonic() - began, 3), result


def anonymous_bytes() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


@contextmanager
def peak_of(measure: Callable[[], int]):
    seen, done = {"bytes": 0}, threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            seen["bytes"] = max(seen["bytes"], measure())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    main()
