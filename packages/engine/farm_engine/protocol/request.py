"""A render command as an engine sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A run of frames that becomes one file."""

    index: int
    first_frame: int
    """Counted from the start of the segment."""
    frame_count: int
    fifo_path: Path


@dataclass(frozen=True, kw_only=True)
class Speech:
    path: Path
    """Mono 16-bit WAV at 16 kHz: the segment's samples with a margin on both sides, as far as the recording has one."""
    margin_before: int
    sample_count: int
    """Samples that belong to the segment; the rest is margin. The last frame may have fewer than its 640."""


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """What a person may choose about how the engine computes."""

    steps: int
    """Denoising steps per block, 3 to 6."""
    precision: str
    """`auto`, `bf16`, `fp8` or `int8`."""
    frames_per_clip: int
    """A multiple of 12."""


@dataclass(frozen=True, kw_only=True)
class RenderRequest:
    """A render command, checked. `width` and `height` are pixels, multiples of 64."""

    render_id: str
    portrait_path: Path
    speech: Speech
    prompt: str
    width: int
    height: int
    segment_frame_count: int
    pieces: tuple[Piece, ...]
    """In order and without gaps; a resumed render starts after the committed ones."""
    seed: int
    settings: RenderSettings
    resume_state_path: Path | None = None
    state_directory: Path | None = None

    @property
    def first_frame(self) -> int:
        return self.pieces[0].first_frame

    @property
    def frame_count(self) -> int:
        """Requested frames, which may be fewer than the segment has."""
        return sum(piece.frame_count for piece in self.pieces)


def render_request(command: dict[str, Any]) -> RenderRequest:
    """Build the request from a render command that matches the schema.

    Raises ValueError for what a schema cannot express: gaps between pieces, pieces past the end of the segment, two
    pieces with one index or one FIFO.
    """
    pieces = tuple(
        Piece(
            index=piece["index"],
            first_frame=piece["firstFrame"],
            frame_count=piece["frameCount"],
            fifo_path=Path(piece["fifoPath"]),
        )
        for piece in command["pieces"]
    )
    for before, after in zip(pieces, pieces[1:], strict=False):
        if after.first_frame != before.first_frame + before.frame_count:
            raise ValueError(
                f"pieces[{after.index}].firstFrame is {after.first_frame}, but the previous piece ends at "
                f"{before.first_frame + before.frame_count}"
            )
    for name, values in (("index", [p.index for p in pieces]), ("fifoPath", [p.fifo_path for p in pieces])):
        if len(set(values)) < len(values):
            raise ValueError(f"two pieces have the same {name}")
    end = pieces[-1].first_frame + pieces[-1].frame_count
    if end > command["segmentFrameCount"]:
        raise ValueError(f"the pieces end at frame {end}, but the segment has {command['segmentFrameCount']} frames")
    speech, settings = command["speech"], command["settings"]
    return RenderRequest(
        render_id=command["renderId"],
        portrait_path=Path(command["portraitPath"]),
        speech=Speech(
            path=Path(speech["path"]), margin_before=speech["marginBefore"], sample_count=speech["sampleCount"]
        ),
        prompt=command["prompt"],
        width=command["width"],
        height=command["height"],
        segment_frame_count=command["segmentFrameCount"],
        pieces=pieces,
        seed=command["seed"],
        settings=RenderSettings(
            steps=settings["steps"],
            precision=settings["precision"],
            frames_per_clip=settings["framesPerClip"],
        ),
        resume_state_path=_optional_path(command.get("resumeStatePath")),
        state_directory=_optional_path(command.get("stateDirectory")),
    )


def _optional_path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
