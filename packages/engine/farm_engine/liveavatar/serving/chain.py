"""One video being rendered: the transformer's rings and the decoder's past, always at the border between two clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from farm_engine.liveavatar.checkpoints.models import LoadedModels
from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.sampling.border_state import BorderState, BorderStateError
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.serving.online_decoder import PAST_LATENTS, WARM_UP_LATENTS, OnlineDecoder
from farm_engine.liveavatar.transformer.config import FRAMES_PER_CLIP
from farm_engine.protocol import EngineError


class BadBorderStateError(EngineError):
    """A border state from which no render can continue."""

    def __init__(self, path: Path, what: str) -> None:
        message = f"Border state {path}: {what}."
        super().__init__("bad-border-state", message, retriable="never", details={"path": str(path)})


class Chain:
    """Renders clip after clip. A chain whose clip was abandoned is of no further use."""

    def __init__(self, models: LoadedModels, rollout: Rollout, past: Tensor) -> None:
        """`past` [16, n, H/8, W/8], on the CPU: the latents that the decoder continues from."""
        self._rollout = rollout
        self.decoder = OnlineDecoder(models.vae, warm_up=past)
        self._past = past.to(models.transformer.device)

    @classmethod
    def start(cls, models: LoadedModels, conditions: Conditions, settings: RolloutSettings) -> Chain:
        # Rounded as a saved state is, so that a decoder rebuilt from one is the same.
        warm_up = conditions.motion[:, :WARM_UP_LATENTS].to("cpu", models.transformer.dtype)
        return cls(models, Rollout(models.transformer, conditions, settings), warm_up)

    @classmethod
    def resume(cls, models: LoadedModels, path: Path, settings: RolloutSettings) -> Chain:
        """Continue from a saved state; the rings and the decoder's past are rebuilt from it.

        Raises BadBorderStateError when the file is unreadable or belongs to other settings or another model.
        """
        try:
            tensors = safetensors.torch.load_file(path)
            border, past = BorderState.from_bytes(tensors["border"].numpy().tobytes()), tensors["past"]
            border.check_model(models.transformer.config)
        except (OSError, SafetensorError, KeyError, BorderStateError) as error:
            raise BadBorderStateError(path, str(error)) from error
        if border.settings != settings:
            raise BadBorderStateError(path, f"it was saved for {border.settings}, not {settings}")
        return cls(models, Rollout.resume(models.transformer, border), past)

    @property
    def next_frame(self) -> int:
        """First frame of the clip that comes next."""
        return self._rollout.clip * FRAMES_PER_CLIP

    def render_clip(self, audio: Tensor, check: Callable[[], None]) -> Iterator[Tensor]:
        """Latents [16, 3, h, w] of the next clip's four blocks. `check` is called before every denoising step and
        raises to stop the render."""
        for latents in self._rollout.render_clip(audio, check):
            self._past = torch.cat([self._past, latents], dim=1)[:, -PAST_LATENTS:]
            yield latents

    def save(self, path: Path) -> None:
        """Write the state from which any worker can continue after the last complete clip."""
        border = torch.frombuffer(bytearray(self._rollout.border_state().to_bytes()), dtype=torch.uint8)
        draft = path.with_name(path.name + ".part")
        safetensors.torch.save_file({"border": border, "past": self._past.cpu().contiguous()}, draft)
        draft.rename(path)
