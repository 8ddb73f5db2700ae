"""The border state: what is kept between two clips so that another process can continue.

The rings themselves are gigabytes. They are a function of the latents that entered each denoising step, which are
megabytes: a worker rebuilds them by sending those latents through the transformer again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.config import ModelConfig

SCHEMA = 1


class BorderStateError(ValueError):
    """A border state cannot be read, or belongs to another model."""


@dataclass(frozen=True, kw_only=True)
class RenderedClip:
    """The record of one clip, on the CPU.

    Attributes:
        clip: its index in the video.
        inputs: [4 blocks, steps, 16, 3, H/8, W/8], what entered each denoising step.
        audio: [25, audio_dim, 48].
    """

    clip: int
    inputs: Tensor
    audio: Tensor

    @classmethod
    def of(cls, clip: int, inputs: Sequence[Sequence[Tensor]], audio: Tensor) -> RenderedClip:
        stacked = torch.stack([torch.stack(list(steps)) for steps in inputs])
        return cls(clip=clip, inputs=stacked.cpu(), audio=audio.to("cpu", stacked.dtype))


@dataclass(frozen=True, kw_only=True)
class BorderState:
    """See the module. `history` holds the most recent clips, oldest first; `clip` is the next one to render."""

    clip: int
    model: ModelConfig
    settings: RolloutSettings
    conditions: Conditions
    history: tuple[RenderedClip, ...]

    def check_model(self, config: ModelConfig) -> None:
        if self.model != config:
            raise BorderStateError(
                f"the border state was written with model sizes {self.model}, the loaded model has {config}"
            )

    def to_bytes(self) -> bytes:
        """A safetensors file."""
        tensors = {
            "reference": self.conditions.reference,
            "motion": self.conditions.motion,
            "text": self.conditions.text,
            "anchor": self.conditions.anchor,
        }
        for clip in self.history:
            tensors[f"inputs.{clip.clip}"] = clip.inputs
            tensors[f"audio.{clip.clip}"] = clip.audio
        metadata = {
            "schema": SCHEMA,
            "clip": self.clip,
            "model": asdict(self.model),
            "settings": asdict(self.settings),
            "history": [clip.clip for clip in self.history],
        }
        kept = {name: tensor.contiguous().cpu() for name, tensor in tensors.items() if tensor is not None}
        return safetensors.torch.save(kept, {"border": json.dumps(metadata)})

    @classmethod
    def from_bytes(cls, data: bytes) -> BorderState:
        """Raises BorderStateError if `data` is cut short, not a border state, or of another schema."""
        try:
            tensors = safetensors.torch.load(data)
            length = int.from_bytes(data[:8], "little")
            metadata = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["border"])
            schema = metadata["schema"]
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise BorderStateError(
                f"{len(data)} bytes are not a complete border state ({error}): use the one before, or start again"
            ) from error
        if schema != SCHEMA:
            raise BorderStateError(
                f"border state has schema {schema}, this engine reads {SCHEMA}: use the one that wrote it"
            )
        try:
            return cls._of(metadata, tensors)
        except (KeyError, TypeError, ValueError) as error:
            raise BorderStateError(f"the border state was written by another release ({error})") from error

    @classmethod
    def _of(cls, metadata: dict[str, Any], tensors: dict[str, Tensor]) -> BorderState:
        model = metadata["model"] | {"audio_inject_layers": tuple(metadata["model"]["audio_inject_layers"])}
        required = {name: tensors[name] for name in ("reference", "motion", "text")}
        return cls(
            clip=metadata["clip"],
            model=ModelConfig(**model),
            settings=RolloutSettings(**metadata["settings"]),
            conditions=Conditions(**required, anchor=tensors.get("anchor")),
            history=tuple(
                RenderedClip(clip=clip, inputs=tensors[f"inputs.{clip}"], audio=tensors[f"audio.{clip}"])
                for clip in metadata["history"]
            ),
        )
