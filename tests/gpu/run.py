"""Runs everything worth running on a rented GPU machine and writes one report.

    PYTHONPATH=packages/engine python -m tests.gpu.run --report report.json [--published CHECKOUT] [--rehearse]
    PYTHONPATH=packages/engine python -m tests.gpu.run --report report.json --only engine [--rehearse]

The first takes the transformer apart; the second measures the whole engine, from files to encoded video; each needs
less than ten minutes on an H200. The report is rewritten after every part, so a machine that is taken away leaves what
was finished. `--rehearse` uses the tiny model and small videos, on a GPU or without one: run it before renting one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

import torch

from farm_engine.liveavatar.transformer.compilation import compile_layers
from farm_engine.liveavatar.transformer.config import LIVE_AVATAR_14B, TINY, Geometry
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from tests.gpu import border, ceilings, engine_tests, environment, parity, precision, real_size, speed, whole_engine

PARTS = ("tests", "golden", "precision", "ceilings", "published", "eager", "compiled", "kernels", "border")
ALONE = {
    "published-compiled": "the published code decides about compiling when it is imported",
    "engine": "it measures what whole processes take on the device, to which this one's models would add",
}
"""Parts that need a run of their own, and why."""

SIZES, REHEARSAL_SIZES = "384x256,640x384,704x384", "64x64,128x64"
CLIPS = 3
BORDER_CLIPS, BORDER_HISTORIES = 4, [1, 2, 3]


class Suite:
    """A method per part; each result goes into the report under the part's name and the video size."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.report: dict[str, object] = {"environment": environment.describe(arguments.commit)}
        self.failed = False
        self._file = Path(arguments.report)
        self._checkout = Path(arguments.published) if arguments.published else None
        self._rehearse = arguments.rehearse
        self._config = TINY if arguments.rehearse else LIVE_AVATAR_14B
        sizes = (arguments.sizes or (REHEARSAL_SIZES if arguments.rehearse else SIZES)).split(",")
        pixels = {size: [int(side) for side in size.split("x")] for size in sizes}
        self._geometries = {size: Geometry(width=width, height=height) for size, (width, height) in pixels.items()}
        self._velocities: dict[str, speed.Velocities] = {}

    def run(self, parts: list[str]) -> None:
        for part in parts:
            getattr(self, "_" + part.replace("-", "_"))()

    def _tests(self) -> None:
        self._part("tests", engine_tests.run)

    def _golden(self) -> None:
        self._part("golden", partial(parity.measure_golden, "cuda" if torch.cuda.is_available() else "cpu"))

    def _precision(self) -> None:
        for layers in sorted({4, self._config.num_layers}):
            if self._checkout:
                work = partial(
                    precision.measure_precision, self._checkout, self._config, layers=layers, blocks=4 * CLIPS
                )
                self._part(f"precision {layers} layers", work)

    def _ceilings(self) -> None:
        if torch.cuda.is_available():
            self._part_per_size("ceilings", lambda _, geometry: ceilings.measure_ceilings(geometry))

    def _published(self, *, compiled: bool = False) -> None:
        def measure(size: str, geometry: Geometry) -> dict[str, object]:
            figures, self._velocities[size] = speed.measure_published(
                self._checkout, self._model, geometry, blocks=4 * CLIPS, compiled=compiled
            )
            return figures

        if self._checkout:
            self._part_per_size("published compiled" if compiled else "published eager", measure)

    def _published_compiled(self) -> None:
        self._published(compiled=True)

    def _engine(self) -> None:
        beside = self._file.with_name(f"{self._file.stem}-engine.json")
        self._part("engine", partial(whole_engine.measure, beside, rehearse=self._rehearse))

    def _eager(self) -> None:
        self._ours("eager", self._model)

    def _compiled(self) -> None:
        model = self._compiled_model
        self._part_per_size("compiling seconds", lambda _, geometry: speed.first_call_seconds(model, geometry))
        self._ours("compiled", model)

    def _ours(self, mode: str, model: DiffusionTransformer) -> None:
        def compare(size: str, geometry: Geometry) -> object:
            return (
                speed.compare(model, geometry, self._velocities[size]) if size in self._velocities else "not measured"
            )

        self._part_per_size(mode, lambda _, geometry: speed.measure_ours(model, geometry, CLIPS))
        self._part_per_size(f"{mode} against published", compare)

    def _kernels(self) -> None:
        if torch.cuda.is_available():
            model = self._compiled_model
            self._part_per_size("kernels compiled", lambda _, geometry: ceilings.profile_block(model, geometry))

    def _border(self) -> None:
        model = self._compiled_model
        (smallest, small), *_ = self._geometries.items()
        *_, (largest, large) = self._geometries.items()
        self._part(f"repeat {smallest}", partial(border.measure_repeat_and_interrupt, model, small))
        work = partial(border.measure_border, model, large, clips=BORDER_CLIPS, histories=BORDER_HISTORIES)
        self._part(f"border {largest}", work)

    @cached_property
    def _model(self) -> DiffusionTransformer:
        return real_size.build_model(self._config)

    @cached_property
    def _compiled_model(self) -> DiffusionTransformer:
        """The same model: once compiled there is no eager model any more, so eager parts come first."""
        compile_layers(self._model)
        return self._model

    def _part_per_size(self, name: str, work: Callable[[str, Geometry], object]) -> None:
        for size, geometry in self._geometries.items():
            self._part(f"{name} {size}", partial(work, size, geometry))

    def _part(self, name: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        try:
            result = work()
        except Exception as error:  # one part's failure must not cost the machine time of the others
            traceback.print_exc()
            result, self.failed = {"error": f"{type(error).__name__}: {error}"}, True
        self.report[name] = result
        print(f"[{time.perf_counter() - start:6.1f} s] {name}: {json.dumps(result)}", flush=True)
        self._file.write_text(json.dumps(self.report, indent=2) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", required=True, help="JSON file to write")
    parser.add_argument("--published", help="checkout of github.com/Alibaba-Quark/LiveAvatar to measure as well")
    parser.add_argument("--only", help=f"comma-separated parts of {','.join(PARTS)}; or one of {', '.join(ALONE)}")
    parser.add_argument("--sizes", help=f"comma-separated video sizes; {SIZES} if not given")
    parser.add_argument("--commit", default="", help="commit to write down where there is no git")
    parser.add_argument("--rehearse", action="store_true", help="tiny model, small videos, any machine")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",") if arguments.only else list(PARTS)
    parts = [part for part in (*PARTS, *ALONE) if part in wanted]
    if unknown := set(wanted) - set(parts):
        parser.error(f"--only {','.join(sorted(unknown))}: the parts are {', '.join((*PARTS, *ALONE))}")
    for part in ALONE.keys() & set(parts):
        if len(parts) > 1:
            parser.error(f"{part} needs a run of its own: {ALONE[part]}")
    if not arguments.rehearse and not torch.cuda.is_available():
        parser.error("no CUDA device found: rent one, or add --rehearse to try the suite with the tiny model")
    suite = Suite(arguments)
    suite.run(parts)
    return 1 if suite.failed else 0


if __name__ == "__main__":
    sys.exit(main())
