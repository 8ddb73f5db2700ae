"""One video under way: the transformer's rings and the decoder's past, always at the border between two clips."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from farm_engine.host import EngineError
from farm_engine.liveavatar.border import BorderState, BorderStateError
from farm_engine.liveavatar.checkpoints.models import LoadedModels
from farm_engine.liveavatar.config import FRAMES_PER_CLIP, LATENTS_PER_CLIP
from farm_engine.liveavatar.rollout import Rollout
from farm_engine.liveavatar.serving.online_decoder import WARM_UP_LATENTS, OnlineDecoder
from farm_engine.liveavatar.settings import Conditions, Settings


class Chain:
    """Renders clip after clip. A chain whose clip was abandoned is of no further use."""

    def __init__(self, rollout: Rollout, decoder: OnlineDecoder, recent: list[Tensor]) -> None:
        """`recent`: latents of the last clip, block by block, if there was one."""
        self._rollout = rollout
        self.decoder = decoder
        self._recent = deque(recent, maxlen=LATENTS_PER_CLIP // 3)

    @classmethod
    def start(cls, models: LoadedModels, conditions: Conditions, settings: Settings) -> Chain:
        decoder = OnlineDecoder(models.vae, warm_up=conditions.motion[:, :WARM_UP_LATENTS])
        return cls(Rollout(models.transformer, conditions, settings), decoder, [])

    @classmethod
    def resume(cls, models: LoadedModels, path: Path, settings: Settings) -> Chain:
        """Go on from a saved state; the rings and the decoder's past are rebuilt from it.

        Raises EngineError `bad-border-state` when the file is unreadable or belongs to other settings or another model.
        """
        try:
            tensors = safetensors.torch.load_file(path)
            border = BorderState.from_bytes(tensors["border"].numpy().tobytes())
            border.check_model(models.transformer.config)
        except (OSError, SafetensorError, KeyError, BorderStateError) as error:
            raise _bad_state(path, str(error)) from error
        if border.settings != settings:
            raise _bad_state(path, f"it was saved for {border.settings}, not {settings}")
        decoder = OnlineDecoder(models.vae, warm_up=tensors["recent"])
        return cls(Rollout.resume(models.transformer, border), decoder, [tensors["recent"]])

    @property
    def next_frame(self) -> int:
        """First frame of the clip that comes next."""
        return self._rollout.clip * FRAMES_PER_CLIP

    def render_clip(self, audio: Tensor, check: Callable[[], None]) -> Iterator[Tensor]:
        """Latents [16, 3, h, w] of the next clip's four blocks. `check` is asked before every step and may raise."""

        def interrupted() -> bool:
            check()
            return False

        for latents in self._rollout.render_clip(audio, interrupted):
            self._recent.append(latents)
            yield latents

    def save(self, path: Path) -> None:
        """Write the state from which any worker can go on behind the last whole clip."""
        border = torch.frombuffer(bytearray(self._rollout.border_state().to_bytes()), dtype=torch.uint8)
        recent = torch.cat([latents.cpu() for latents in self._recent], dim=1)
        draft = path.with_name(path.name + ".part")
        safetensors.torch.save_file({"border": border, "recent": recent.contiguous()}, draft)
        draft.rename(path)


def _bad_state(path: Path, what: str) -> EngineError:
    return EngineError(
        "bad-border-state",
        f"Border state {path}: {what}. Render the segment from its first frame, or from an earlier state.",
        retriable="never",
        details={"path": str(path)},
    )
