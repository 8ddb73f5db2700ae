"""One part of gpu.py in a process of its own. Prints each figure as a line of JSON, its name and its value.

Whatever else is printed, by libraries and compilers too, goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import device_memory
import stopping
import torch
from device_memory import GIB
from render_job import UPSTREAM_GROWTH, environment, render_clips

from farm_engine.liveavatar.checkpoints import generator
from farm_engine.liveavatar.conditions.encoder import encode_still
from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.protocol import EngineError

PROMPT = "A person in a quiet room speaks to the camera, calm light, shallow depth of field."


FIGURES = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
USED_BEFORE_GIB = device_memory.used_before_gib()


def say(name: str, value: object) -> None:
    print(json.dumps({"name": name, "value": value}), file=FIGURES)


def write_weights(options: argparse.Namespace) -> None:
    began = time.monotonic()
    generator.write_published_layout(options.weights, generator.TINY if options.tiny else generator.FULL)
    size = sum(path.stat().st_size for path in options.weights.rglob("*") if path.is_file())
    say("written", {"seconds": round(time.monotonic() - began, 3), "gigabytes": round(size / 1e9, 2)})


def load(options: argparse.Namespace) -> LiveAvatarEngine:
    """As the worker starts it. Nothing on the device was used before, so its peak is the engine's own."""
    say("environment", {**environment(), "deviceUsedBeforeGiB": USED_BEFORE_GIB})
    engine = LiveAvatarEngine(options.weights, compiled=options.compile)
    phases: dict[str, float] = {}
    began = time.monotonic()
    with device_memory.watched() as memory:
        description = engine.load(lambda phase, _: phases.update({phase: round(time.monotonic() - began, 2)}))
    seconds = round(time.monotonic() - began, 3)
    say("loading", {"seconds": seconds, "phaseEndsAtSeconds": phases, **memory, "description": description})
    return engine


def measure_renders(options: argparse.Namespace) -> None:
    if options.cap_gib:
        cap_device(options.cap_gib)
    engine = load(options)
    if options.compile:
        render(engine, options, "warm-up", clips=1)
    render(engine, options, "render", clips=options.clips)
    if options.many_clips:
        many = render(engine, options, f"{options.many_clips} clips", clips=options.many_clips)
        say("growth", {**growth(many["series"]), "upstream": UPSTREAM_GROWTH})
    say("processesMiB", device_memory.process_gib())
    if options.encoders:
        measure_encoders(engine, options)
    if options.out_of_memory and torch.cuda.is_available():
        say("outOfMemory", run_out_of_memory(engine, options))


def render(engine: LiveAvatarEngine, options: argparse.Namespace, name: str, *, clips: int) -> dict[str, object]:
    width, height = options.size
    with device_memory.watched() as memory:
        figures = render_clips(
            engine, clips, width=width, height=height, folder=options.folder / name, ffmpeg=options.ffmpeg
        )
    say(name, {**figures, **memory})
    return figures


def cap_device(gib: float) -> None:
    """Let this process's allocator have no more than a card of `gib` GiB would leave it after its context."""
    if not torch.cuda.is_available():
        return
    torch.zeros(1, device="cuda")
    total = torch.cuda.mem_get_info()[1]
    context = device_memory.used_bytes() - torch.cuda.memory_reserved()
    fraction = (gib * GIB - context) / total
    torch.cuda.set_per_process_memory_fraction(fraction)
    say("cap", {"gib": gib, "contextGiB": round(context / GIB, 3), "allocatorGiB": round(fraction * total / GIB, 3)})


def growth(series: list[dict[str, float]]) -> dict[str, float]:
    """How much more each count is after the last clip than after the second."""
    counts = [name for name in series[0] if name.endswith("GiB")]
    return {f"{name} from clip 2 to {len(series)}": round(series[-1][name] - series[1][name], 4) for name in counts}


def measure_encoders(engine: LiveAvatarEngine, options: argparse.Namespace) -> None:
    models = engine._models
    width, height = options.size
    portrait = torch.zeros(3, height, width)
    transformer = models.transformer
    text = torch.zeros(transformer.config.text_len, transformer.config.dim).to(transformer.device, transformer.dtype)
    say(
        "encoderSeconds",
        {
            "prompt": seconds_of(lambda: models.text.encode(PROMPT)),
            "prompt again": seconds_of(lambda: models.text.encode(PROMPT + " Again.")),
            "text projections": seconds_of(lambda: [layer.cross_attn.key_value(text) for layer in transformer.blocks]),
            f"portrait {width}x{height}": seconds_of(lambda: encode_still(models.vae, portrait)),
        },
    )


def run_out_of_memory(engine: LiveAvatarEngine, options: argparse.Namespace) -> dict[str, object]:
    """Leave the card too little for a video, and see the failure named and the engine alive."""
    engine._kept = None
    torch.cuda.empty_cache()
    ballast = torch.empty(torch.cuda.mem_get_info()[0] - 4 * GIB, dtype=torch.uint8, device="cuda")
    width, height = options.size
    where = {"width": width, "height": height, "folder": options.folder / "oom", "ffmpeg": options.ffmpeg}
    try:
        render_clips(engine, 1, **where)
        outcome: dict[str, object] = {"failed": False}
    except EngineError as error:
        outcome = {"code": error.code, "message": error.message, "retriable": error.retriable, **error.details}
    del ballast
    torch.cuda.empty_cache()
    return {**outcome, "framesAfterwards": render_clips(engine, 1, **where)["frames"]}


def seconds_of(action) -> float:
    began = time.monotonic()
    action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return round(time.monotonic() - began, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("write", "render", "record", "resume"))
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--ffmpeg", required=True)
    parser.add_argument("--size", type=lambda text: tuple(int(side) for side in text.split("x")))
    parser.add_argument("--clips", type=int)
    parser.add_argument("--many-clips", type=int)
    parser.add_argument("--cap-gib", type=float)
    for flag in ("--tiny", "--compile", "--encoders", "--out-of-memory"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args()
    if options.work == "write":
        write_weights(options)
    elif options.work == "render":
        measure_renders(options)
    elif options.work == "record":
        stopping.record(load(options), options, say)
    else:
        stopping.resume(load(options), options, say)


if __name__ == "__main__":
    main()
