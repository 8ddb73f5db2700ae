"""Encoding of prompt and portrait, once for all segments of a job that share them."""

from __future__ import annotations

import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import torch
from torch import Tensor

from farm_engine.liveavatar.checkpoints.models import LoadedModels
from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.encoders.portrait import FramedPortrait, open_portrait
from farm_engine.liveavatar.encoders.text import EncodedPrompt
from farm_engine.liveavatar.finite import ConditionsNotFiniteError, is_finite
from farm_engine.liveavatar.transformer.config import FRAMES_PER_LATENT, MOTION_LATENTS
from farm_engine.liveavatar.vae.autoencoder import VideoAutoencoder
from farm_engine.protocol import RenderControl, RenderRequest

KEPT_PROMPTS = 32
KEPT_PORTRAITS = 8

_Value = TypeVar("_Value")


class RecentlyUsed(Generic[_Value]):
    """The last `capacity` values, by key."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        if len(self._values) > self._capacity:
            self._values.popitem(last=False)
        return self._values[key]


class ConditionEncoder:
    """Encodes prompts and portraits, and keeps the most recent ones. Latents are kept on the CPU."""

    def __init__(self, models: LoadedModels) -> None:
        self._models = models
        self._prompts: RecentlyUsed[EncodedPrompt] = RecentlyUsed(KEPT_PROMPTS)
        self._portraits: RecentlyUsed[tuple[Tensor, bool]] = RecentlyUsed(KEPT_PORTRAITS)

    def conditions_of(self, request: RenderRequest, control: RenderControl) -> Conditions:
        """Reference, motion and text of the request; warns about what was assumed or cut. Raises EngineError
        `bad-portrait` or `conditions-not-finite`."""
        prompt = self._prompts.get(request.prompt, lambda: self._encode_prompt(request.prompt))
        if prompt.dropped_tokens:
            control.warn(
                "prompt-cut",
                f"The prompt is {prompt.dropped_tokens} tokens too long for the model; its end was dropped.",
            )
        motion, has_face = self._portraits.get(portrait_key(request), lambda: self._encode_portrait(request))
        if not has_face:
            control.warn(
                "face-not-found",
                "No face was found in the portrait; the picture's middle is shown. A portrait with a clearly visible "
                "face moves better.",
            )
        return Conditions(reference=motion[:, :1], motion=motion, text=prompt.embedding)

    def _encode_prompt(self, prompt: str) -> EncodedPrompt:
        encoded = self._models.text.encode(prompt)
        self._require_finite(encoded.embedding, "prompt")
        return encoded

    def _encode_portrait(self, request: RenderRequest) -> tuple[Tensor, bool]:
        portrait: FramedPortrait = open_portrait(request.portrait_path, width=request.width, height=request.height)
        latents = encode_still(self._models.vae, portrait.pixels).cpu()
        self._require_finite(latents, "portrait")
        return latents, portrait.has_face

    def _require_finite(self, encoded: Tensor, condition: str) -> None:
        """In the dtype in which it is used, where it may overflow; before it is kept for later renders."""
        if not is_finite(encoded.to(self._models.transformer.dtype)):
            raise ConditionsNotFiniteError(condition)


def encode_still(vae: VideoAutoencoder, pixels: Tensor) -> Tensor:
    """Latents [16, 19, H/8, W/8] of a picture [3, H, W] in -1..1, held still for 73 frames.

    The first latent is that of the picture alone, because the first frame of a stream is encoded by itself.
    """
    stream = vae.open_encoder()
    frames = pixels[:, None].expand(-1, FRAMES_PER_LATENT, -1, -1)
    latents = [stream.encode(frames[:, :1])]
    latents += [stream.encode(frames) for _ in range(MOTION_LATENTS - 1)]
    return torch.cat(latents, dim=1)


def portrait_key(request: RenderRequest) -> Hashable:
    """Equal for equal portraits in equal frames."""
    contents = b""  # of what cannot be read: opening it later reports what is wrong, and failures are not cached
    with contextlib.suppress(OSError):
        if request.portrait_path.is_file():
            contents = hashlib.sha256(request.portrait_path.read_bytes()).digest()
    return contents, request.width, request.height
