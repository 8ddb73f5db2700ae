"""Render clips through the whole engine into ffmpeg, and watch memory and time: what the other files here share."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import torch

from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.liveavatar.transformer.config import FRAMES_PER_CLIP
from farm_engine.protocol.request import Piece, RenderRequest, RenderSettings, Speech

SAMPLES_PER_FRAME = 640
GIB = 1 << 30
UPSTREAM_GROWTH = {"withoutOnlineDecode": "+0.15 GB a clip", "withOnlineDecode": "+0.8 GB, constant"}
# As the worker encodes a piece (packages/media), with a constant quality that does not depend on the content's motion.
ENCODING = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-threads", "1", "-pix_fmt", "yuv420p", "-bf", "0"]


@dataclass
class MeasuringControl:
    """A `RenderControl` with one encoder per piece (one clip); notes memory use when a piece is complete."""

    request: RenderRequest
    ffmpeg: str
    folder: Path
    cuda: bool
    series: list[dict[str, float]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _encoder: subprocess.Popen | None = None
    _written: int = 0

    def write_frames(self, frames: np.ndarray) -> None:
        while len(frames):
            if self._encoder is None:
                self._encoder = self._start_encoder(self._written // FRAMES_PER_CLIP)
            share = frames[: FRAMES_PER_CLIP - self._written % FRAMES_PER_CLIP]
            self._encoder.stdin.write(share.tobytes())
            self._written += len(share)
            frames = frames[len(share) :]
            if self._written % FRAMES_PER_CLIP == 0:
                self._finish_piece()

    def check(self) -> None:
        pass

    def save_piece_state(self, save: Callable[[], Path | None]) -> None:
        pass

    def warn(self, code: str, message: str) -> None:
        print(f"warning {code}: {message}", file=sys.stderr)

    def progress(self, phase: str) -> None:
        pass

    def _start_encoder(self, index: int) -> subprocess.Popen:
        size = f"{self.request.width}x{self.request.height}"
        source = f"-f rawvideo -pix_fmt rgb24 -video_size {size} -framerate 25 -i pipe:0".split()
        target = str(self.folder / f"piece-{index}.mp4")
        command = [self.ffmpeg, "-v", "error", "-y", *source, *ENCODING, target]
        return subprocess.Popen(command, stdin=subprocess.PIPE)

    def _finish_piece(self) -> None:
        self._encoder.stdin.close()
        if self._encoder.wait() != 0:
            raise RuntimeError("ffmpeg failed")
        self._encoder = None
        self.series.append({"clips": self._written // FRAMES_PER_CLIP, **self._memory()})

    def _memory(self) -> dict[str, float]:
        seconds = round(time.monotonic() - self.began, 3)
        host = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
        memory = {"seconds": seconds, "hostGiB": round(int(host.split()[1]) / 2**20, 4)}
        if self.cuda:
            free, total = torch.cuda.mem_get_info()
            memory["deviceGiB"] = round((total - free) / GIB, 4)
            memory["allocatedGiB"] = round(torch.cuda.memory_allocated() / GIB, 4)
        return memory


def render_clips(
    engine: LiveAvatarEngine, clips: int, *, width: int, height: int, folder: Path, ffmpeg: str
) -> dict[str, object]:
    """Render and encode so many clips; frames per second with everything in, and memory after each clip."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = clips * FRAMES_PER_CLIP
    request = clips_request(folder, clips, width=width, height=height)
    control = MeasuringControl(request, ffmpeg, folder, cuda=torch.cuda.is_available())
    result = engine.render(request, control)
    total = time.monotonic() - control.began
    first, last = control.series[0], control.series[-1]
    steady = (clips - 1) * FRAMES_PER_CLIP / (last["seconds"] - first["seconds"]) if clips > 1 else None
    return {
        "width": width,
        "height": height,
        "clips": clips,
        "frames": frames,
        "seconds": round(total, 3),
        "framesPerSecond": round(frames / total, 3),
        "framesPerSecondAfterFirstClip": round(steady, 3) if steady else None,
        "firstClipSeconds": first["seconds"],
        "peakGiB": round(result.peak_bytes / GIB, 3),
        "plan": result.plan,
        "series": control.series,
    }


def environment() -> dict[str, object]:
    """What a figure belongs to."""
    git = subprocess.run(["git", "rev-parse", "--verify", "HEAD"], capture_output=True, text=True, check=False)
    commit = os.environ.get("FARM_COMMIT") or git.stdout.strip()
    facts = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        "cpuCount": os.cpu_count(),
        "gpu": None,
    }
    if torch.cuda.is_available():
        facts |= {"gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
    return facts


def clips_request(
    folder: Path, clips: int, *, width: int, height: int, first_clip: int = 0, count: int | None = None
) -> RenderRequest:
    """`count` clips (or all) of a video of `clips` clips, from `first_clip`, each a piece.

    A synthetic portrait and synthetic speech; figures do not depend on what they show.
    """
    frames = clips * FRAMES_PER_CLIP
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.stack([rows % 256, columns % 256, (rows * columns // 64) % 256], axis=-1).astype(np.uint8)
    cv2.imwrite(str(folder / "portrait.png"), picture)
    samples = frames * SAMPLES_PER_FRAME
    seconds = np.arange(samples) / 16000
    noise = np.random.default_rng(1).standard_normal(samples) * 300
    speech = (np.sin(2 * np.pi * 150 * seconds) * np.sin(5 * seconds) * 9000 + noise).astype("<i2")
    with wave.open(str(folder / "speech.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(speech.tobytes())
    requested = range(first_clip, first_clip + count if count is not None else clips)
    return RenderRequest(
        render_id="benchmark",
        portrait_path=folder / "portrait.png",
        speech=Speech(path=folder / "speech.wav", margin_before=0, sample_count=samples),
        prompt="A person in a quiet room speaks to the camera, calm light, shallow depth of field.",
        width=width,
        height=height,
        segment_frame_count=frames,
        pieces=tuple(
            Piece(
                index=index,
                first_frame=clip * FRAMES_PER_CLIP,
                frame_count=FRAMES_PER_CLIP,
                fifo_path=folder / "unused",
            )
            for index, clip in enumerate(requested)
        ),
        seed=420,
        settings=RenderSettings(steps=4, precision="auto", frames_per_clip=FRAMES_PER_CLIP),
    )
