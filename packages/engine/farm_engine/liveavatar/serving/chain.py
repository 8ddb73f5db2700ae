"""One video being rendered: the transformer's rings and the decoder's past, always at the border between two clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from farm_engine.liveavatar.checkpoints.models import LoadedModels
from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.memory.host_copy import HostCopy
from farm_engine.liveavatar.sampling.border_state import BorderStateError
from farm_engine.liveavatar.sampling.rollout import Rollout
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.serving.online_decoder import PAST_LATENTS, WARM_UP_LATENTS, OnlineDecoder
from farm_engine.liveavatar.serving.saved_state import BadBorderStateError, SavedState
from farm_engine.liveavatar.transformer.config import FRAMES_PER_CLIP


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

        Raises BadBorderStateError when the file is unreadable, not finite, or belongs to other settings or another
        model.
        """
        saved = SavedState.read(path)
        try:
            saved.border.check_model(models.transformer.config)
        except BorderStateError as error:
            raise BadBorderStateError(path, str(error)) from error
        if saved.border.settings != settings:
            raise BadBorderStateError(path, f"it was saved for {saved.border.settings}, not {settings}")
        try:
            rollout = Rollout.resume(models.transformer, saved.border)
            return cls(models, rollout, saved.past.read())
        except ValueError as error:
            raise BadBorderStateError(path, str(error)) from error

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

    def state(self) -> SavedState:
        """From which any worker can continue after the last complete clip."""
        return SavedState(border=self._rollout.border_state(), past=HostCopy(self._past))
