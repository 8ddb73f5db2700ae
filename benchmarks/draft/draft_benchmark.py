"""The measurements of draft.bench.py."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
import wave
from pathlib import Path

import cv2
import numpy as np
from draft_measures import closing_delays, correlation, envelope, flicker, outside_change, region_motion

from farm_engine.draft.animator import Animator
from farm_engine.draft.engine import DraftEngine, prepare_portrait
from farm_engine.draft.motion import segment_motion
from farm_engine.draft.voice import voice_curves
from farm_engine.portrait.face import Face

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "samples"
RESULTS = HERE.parent / "results" / "draft"
PORTRAITS = {"teacher": SAMPLES / "portrait.jpg"} | {path.stem: path for path in sorted(HERE.glob("portraits/*.jpg"))}
VOICES = {path.stem: path for path in sorted(HERE.glob("voices/*.wav"))}
SIZES = {"384x256": (384, 256), "256x384": (256, 384), "704x384": (704, 384), "384x704": (384, 704)}
FRAME_SIZE = (384, 448)
SHEET_CELL = 320
"""Width of one picture in a contact sheet, pixels."""
SEED = 11


class Listener:
    """Takes the place of `RenderControl`: keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, code: str, message: str) -> None:
        self.warnings.append(code)


def measure() -> dict:
    """Everything that is reported, under `summary`, `ratios` and `portraits`."""
    DraftEngine().load(lambda phase, fraction: None)
    voices = {name: read_wav(path) for name, path in VOICES.items()}
    RESULTS.mkdir(parents=True, exist_ok=True)
    portraits = {name: measure_portrait(name, path, voices) for name, path in PORTRAITS.items()}
    rows = [row for portrait in portraits.values() for row in portrait["voices"].values()]
    people = [row for name, portrait in portraits.items() if name != "cat" for row in portrait["voices"].values()]
    delays = [delay for row in rows for delay in row["closingDelaysMs"]]
    summary = {
        "correlationMedian": median(row["correlation"] for row in people),
        "correlationLeast": min(row["correlation"] for row in people),
        "correlationOfChangeMedian": median(row["correlationOfChange"] for row in people),
        "swappedMedian": median(row["swapped"] for row in people),
        "swappedMost": max(row["swapped"] for row in people),
        "closingDelayMsMost": max(delays),
        "pauses": len(delays),
        "outsideMeanMost": max(row["outsideMean"] for row in rows),
        "outsideWorstFrame": max(row["outsideWorst"] for row in rows),
        "flickerMost": max(row["flicker"] for row in rows),
        "framesPerSecond": {
            size: min(portrait["framesPerSecond"][size] for portrait in portraits.values()) for size in SIZES
        },
    }
    rates = summary["framesPerSecond"]
    ratios = {
        "384x256: slowest portrait's rate over 25 frames a second": rates["384x256"] / 25,
        "704x384: slowest portrait's rate over 25 frames a second": rates["704x384"] / 25,
        "memory after 3000 frames over memory after 300": memory_growth(PORTRAITS["teacher"], voices),
    }
    summary["startUpSeconds"] = start_up_seconds()
    return {"summary": summary, "ratios": ratios, "portraits": portraits}


def measure_portrait(name: str, path: Path, voices: dict[str, np.ndarray]) -> dict:
    listener = Listener()
    width, height = FRAME_SIZE
    frame, face = prepare_portrait(path, width=width, height=height, control=listener)
    animator = Animator(frame, face)
    mouth, outside = mouth_region(face, frame.shape), outside_head(face, frame.shape)
    rest = render(animator, np.zeros(640, np.int16))[0]
    measured, sheet_rows = {}, []
    for index, (voice_name, samples) in enumerate(voices.items()):
        frames, still = render(animator, samples), render(animator, samples, still=True)
        loudness = envelope(samples, len(frames))
        other = list(voices.values())[(index + 1) % len(voices)]
        motion = region_motion(frames, rest, mouth)
        mean, worst = outside_change(frames, rest, outside)
        measured[voice_name] = {
            "correlation": correlation(motion, loudness),
            "correlationOfChange": correlation(change(frames, mouth), loudness),
            "swapped": correlation(motion, envelope(other, len(other) // 640)),
            "closingDelaysMs": closing_delays(region_motion(still, rest, mouth), loudness),
            "outsideMean": mean,
            "outsideWorst": worst,
            "flicker": flicker(frames),
        }
        sheet_rows.append(telling_frames(animator, frames, samples))
        print(f"{name:12} {voice_name:13} r {measured[voice_name]['correlation']:.2f}", file=sys.stderr)
    close = head_region(face, frame.shape)
    sheet = [picture[close] for picture in sheet_rows[0] + sheet_rows[2]]
    write_sheet(RESULTS / f"draft-{name}.jpg", sheet)
    return {
        "warnings": listener.warnings,
        "voices": measured,
        "framesPerSecond": {label: frames_per_second(path, size, voices) for label, size in SIZES.items()},
    }


def render(animator: Animator, samples: np.ndarray, *, still: bool = False) -> np.ndarray:
    count = len(samples) // 640
    voice = voice_curves(samples, margin_before=0, frame_count=count)
    motion = segment_motion(np.zeros(count) if still else voice.emphasis, seed=SEED)
    if still:
        for curve in vars(motion).values():
            curve[:] = 0
    return np.stack([animator.draw(index, voice, motion) for index in range(count)])


def change(frames: np.ndarray, region: tuple[slice, slice]) -> np.ndarray:
    """Change from frame to frame in a region, averaged over five frames."""
    part = frames[:, region[0], region[1]].astype(np.int16)
    steps = np.abs(np.diff(part, axis=0, prepend=part[:1])).mean(axis=(1, 2, 3))
    return np.convolve(steps, np.ones(5) / 5, mode="same")


def mouth_region(face: Face, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x, y = face.mouth_centre
    width = face.mouth_width
    top, bottom = int(max(y - 0.45 * width, 0)), int(min(y + 0.75 * width, shape[0]))
    return slice(top, bottom), slice(int(max(x - 0.7 * width, 0)), int(min(x + 0.7 * width, shape[1])))


def head_region(face: Face, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Head and shoulders, for looking at."""
    reach = 0.95 * face.size.max()
    left, top = np.maximum(face.centre - [reach, 0.95 * reach], 0).astype(int)
    return slice(top, int(min(face.centre[1] + reach, shape[0]))), slice(
        left, int(min(face.centre[0] + reach, shape[1]))
    )


def outside_head(face: Face, shape: tuple[int, ...]) -> np.ndarray:
    """Everything outside an ellipse around head, hair and neck: bool `[height, width]`."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    half_width, half_height = 1.6 * face.size[0] / 2, 1.75 * face.size[1] / 2
    centre_y = face.centre[1] - 0.05 * face.size[1]
    return ((x - face.centre[0]) / half_width) ** 2 + ((y - centre_y) / half_height) ** 2 > 1


def telling_frames(animator: Animator, frames: np.ndarray, samples: np.ndarray) -> list[np.ndarray]:
    """Rest, widest open, lips spread, lips pursed, a hiss, a blink."""
    voice = voice_curves(samples, margin_before=0, frame_count=len(frames))
    motion = segment_motion(voice.emphasis, seed=SEED)
    spoken = voice.opening > 0.15
    picks = [
        0,
        int(voice.opening.argmax()),
        int((voice.width * spoken).argmax()),
        int((voice.width * spoken).argmin()),
        int(voice.hiss.argmax()),
        int(motion.blink.argmax()),
    ]
    return [frames[pick] for pick in picks]


def write_sheet(path: Path, frames: list[np.ndarray], columns: int = 6) -> None:
    scale = SHEET_CELL / frames[0].shape[1]
    cells = [cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for frame in frames]
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 82])


def frames_per_second(path: Path, size: tuple[int, int], voices: dict[str, np.ndarray]) -> float:
    frame, face = prepare_portrait(path, width=size[0], height=size[1], control=Listener())
    animator = Animator(frame, face)
    samples = next(iter(voices.values()))
    voice = voice_curves(samples, margin_before=0, frame_count=100)
    motion = segment_motion(voice.emphasis, seed=SEED)
    began = time.process_time()
    for index in range(100):
        animator.draw(index, voice, motion)
    return round(100 / (time.process_time() - began), 1)


def memory_growth(path: Path, voices: dict[str, np.ndarray]) -> float:
    frame, face = prepare_portrait(path, width=384, height=256, control=Listener())
    animator = Animator(frame, face)
    samples = np.concatenate(list(voices.values()) * 5)
    voice = voice_curves(samples, margin_before=0, frame_count=3000)
    motion = segment_motion(voice.emphasis, seed=SEED)
    resident = []
    for count in (300, 3000):
        for index in range(count):
            animator.draw(index, voice, motion)
        resident.append(resident_bytes())
    return resident[1] / resident[0]


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def start_up_seconds() -> float:
    """From starting the process to `ready`, the best of three."""
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "farm_engine", "draft"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        while b'"ready"' not in process.stdout.readline():
            pass
        seconds.append(time.monotonic() - began)
        process.communicate()
    return round(min(seconds), 3)


def read_wav(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000), path
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def median(values) -> float:
    return float(np.median(list(values)))
