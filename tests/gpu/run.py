"""Runs everything worth running on a rented GPU machine and writes one report.

    PYTHONPATH=packages/engine python -m tests.gpu.run --report report.json [--published CHECKOUT] [--rehearse]

The report is rewritten after every part, so a machine that is taken away leaves what was finished. `--rehearse` takes
the tiny model and small videos, on a GPU or without one: run it before renting a machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from farm_engine.liveavatar.compilation import compile_layers
from farm_engine.liveavatar.config import LIVE_AVATAR_14B, TINY, Geometry
from farm_engine.liveavatar.model import DiffusionTransformer

from tests.gpu import border, ceilings, environment, parity, real_size, speed

REPOSITORY = Path(__file__).parents[2]
SIZES = ["384x256", "640x384", "704x384"]
REHEARSAL_SIZES = ["64x64", "128x64"]
CLIPS, PARITY_BLOCKS = 3, 12
BORDER_CLIPS, BORDER_HISTORIES = 4, [1, 2, 3]


class Suite:
    """The parts in order. Each one's result goes into the report under its name."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.report: dict[str, object] = {"environment": environment.describe(arguments.commit)}
        self.failed = False
        sizes = (arguments.sizes or ",".join(REHEARSAL_SIZES if arguments.rehearse else SIZES)).split(",")
        self.geometries = {
            size: Geometry(width=int(size.split("x")[0]), height=int(size.split("x")[1])) for size in sizes
        }

    def run(self) -> None:
        if self._wanted("tests"):
            self._part("tests", engine_tests)
        if self._wanted("golden"):
            self._part("golden", lambda: parity.measure_golden("cuda" if torch.cuda.is_available() else "cpu"))
        if not any(self._wanted(part) for part in ("ceilings", "speed", "border")):
            return
        model = real_size.build_model(TINY if self.arguments.rehearse else LIVE_AVATAR_14B)
        if self._wanted("ceilings") and torch.cuda.is_available():
            for size, geometry in self.geometries.items():
                self._part(f"ceilings {size}", partial(ceilings.measure_ceilings, geometry))
        published = {}
        if self._wanted("speed"):
            for size in self.geometries:
                self._published(model, size, published)
                self._ours(model, size, "eager", published)
        compile_layers(model)
        if self._wanted("speed"):
            for size, geometry in self.geometries.items():
                self._part(f"compiling seconds {size}", partial(speed.first_call_seconds, model, geometry))
                self._ours(model, size, "compiled", published)
        if self._wanted("kernels") and torch.cuda.is_available():
            for size, geometry in self.geometries.items():
                self._part(f"kernels compiled {size}", partial(ceilings.profile_block, model, geometry))
        if self._wanted("border"):
            self._border(model)

    def _wanted(self, part: str) -> bool:
        return self.arguments.only is None or part in self.arguments.only.split(",")

    def _published(self, model: DiffusionTransformer, size: str, velocities: dict[str, speed.Velocities]) -> None:
        def measure() -> dict[str, object]:
            checkout, geometry = Path(self.arguments.published), self.geometries[size]
            figures, velocities[size] = speed.measure_published(checkout, model, geometry, PARITY_BLOCKS)
            return figures

        if self.arguments.published:
            self._part(f"published eager {size}", measure)

    def _ours(self, model: DiffusionTransformer, size: str, mode: str, published: dict[str, speed.Velocities]) -> None:
        geometry = self.geometries[size]
        self._part(f"{mode} {size}", partial(speed.measure_ours, model, geometry, CLIPS))
        if size in published:
            work = partial(speed.compare, model, geometry, published[size])
            self._part(f"{mode} against published {size}", work)

    def _border(self, model: DiffusionTransformer) -> None:
        smallest, largest = list(self.geometries.items())[0], list(self.geometries.items())[-1]
        self._part(f"repeat {smallest[0]}", partial(border.measure_repeat_and_interrupt, model, smallest[1]))
        work = partial(border.measure_border, model, largest[1], BORDER_CLIPS, BORDER_HISTORIES)
        self._part(f"border {largest[0]}", work)

    def _part(self, name: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        try:
            result = work()
        except Exception as error:  # one part's failure must not cost the machine time of the others
            traceback.print_exc()
            result, self.failed = {"error": f"{type(error).__name__}: {error}"}, True
        self.report[name] = result
        print(f"[{time.perf_counter() - start:6.1f} s] {name}: {json.dumps(result)}", flush=True)
        Path(self.arguments.report).write_text(json.dumps(self.report, indent=2) + "\n")


def engine_tests() -> dict[str, object]:
    command = [sys.executable, "-m", "pytest", "-q", "tests/liveavatar"]
    finished = subprocess.run(command, cwd=REPOSITORY / "packages/engine", capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(finished.stdout[-2000:] + finished.stderr[-2000:])
    return {"pytest": finished.stdout.strip().splitlines()[-1]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", required=True, help="JSON file to write")
    parser.add_argument("--published", help="checkout of github.com/Alibaba-Quark/LiveAvatar to measure beside")
    parser.add_argument("--only", help="comma-separated parts: tests, golden, ceilings, speed, kernels, border")
    parser.add_argument("--sizes", help=f"comma-separated video sizes; {','.join(SIZES)} if not given")
    parser.add_argument("--commit", default="", help="commit to write down where there is no git")
    parser.add_argument("--rehearse", action="store_true", help="tiny model, small videos, any machine")
    arguments = parser.parse_args()
    if not arguments.rehearse and not torch.cuda.is_available():
        parser.error("no CUDA device found: rent one, or add --rehearse to try the suite with the tiny model")
    suite = Suite(arguments)
    suite.run()
    return 1 if suite.failed else 0


if __name__ == "__main__":
    sys.exit(main())
