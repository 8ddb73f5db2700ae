"""The clip loop: blocks of latents, clip after clip, and the state at a clip's border."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from torch import Tensor

from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.memory.resident import ResidentMemory
from farm_engine.liveavatar.sampling.border_state import BorderState, RenderedClip
from farm_engine.liveavatar.sampling.randomness import Randomness, SeededRandomness
from farm_engine.liveavatar.sampling.sampler import Block, Sampler
from farm_engine.liveavatar.sampling.schedule import Schedule
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.transformer.caches import Memory
from farm_engine.liveavatar.transformer.config import (
    BLOCKS_PER_CLIP,
    FRAMES_PER_BLOCK,
    FRAMES_PER_CLIP,
    LATENTS_PER_BLOCK,
    Geometry,
)
from farm_engine.liveavatar.transformer.model import DiffusionTransformer


class Rollout:
    """One continuous video. Each clip continues from the rings of the previous one.

    Args:
        memory: the memory plan; everything on the model's device if not given. A plan that another video of the same
            size and steps has used can be reused: its contents are overwritten before they are read.
        randomness: drawn from the settings' seed if not given.

    Raises:
        ValueError: a condition's shape does not fit the model or the video.
    """

    def __init__(
        self,
        model: DiffusionTransformer,
        conditions: Conditions,
        settings: RolloutSettings,
        *,
        memory: Memory | None = None,
        randomness: Randomness | None = None,
    ) -> None:
        self.geometry = Geometry(width=settings.width, height=settings.height)
        conditions.check(model.config, self.geometry)
        self.model, self.conditions, self.settings = model, conditions.cast(model.dtype), settings
        schedule = Schedule.of(settings.steps)
        self._memory = memory if memory is not None else ResidentMemory(model, self.geometry, steps=schedule.steps)
        self._randomness = SeededRandomness(settings.seed) if randomness is None else randomness
        self._sampler = Sampler(
            model, self._memory, schedule=schedule, randomness=self._randomness, geometry=self.geometry
        )
        self._history: deque[RenderedClip] = deque(maxlen=settings.history_clips)
        self._prefilled: Tensor | None = None
        self._clean = True
        self._ring_start = 0
        self.clip = 0

    def render_clip(self, audio: Tensor, check: Callable[[], None] = lambda: None) -> Iterator[Tensor]:
        """Renders the next clip and yields each block's latents [16, 3, H/8, W/8] as soon as they are clean.

        Args:
            audio: [25, audio_dim, 48], the features of this clip's frames.
            check: called before every denoising step; raises to stop. After that this rollout cannot continue: resume
                from the last border state.

        Raises:
            ValueError: the audio has another shape.
            RuntimeError: an earlier clip was abandoned.
            Whatever `check` raises.
        """
        self._check_audio(audio)
        if not self._clean:
            raise RuntimeError(
                f"clip {self.clip} was abandoned half way, so the rings are half written: "
                "continue with Rollout.resume and the last border state"
            )
        self._clean = False
        self._prefill(self.clip)
        noise = self._randomness.noise(self.clip, self.geometry).split(LATENTS_PER_BLOCK, dim=1)
        inputs: list[list[Tensor]] = []
        for latents, step_inputs in self._sampler.denoise(self._blocks(self.clip, audio), noise, check=check):
            inputs.append(step_inputs)
            if self.clip == 0 and len(inputs) == 1 and self.settings.anchor == "first-latent":
                self.conditions = replace(self.conditions, anchor=latents[:, :1].clone())
            if len(inputs) == BLOCKS_PER_CLIP:
                self._history.append(RenderedClip.of(self.clip, inputs, audio))
                self.clip += 1
                self._clean = True
            yield latents

    def border_state(self) -> BorderState:
        """What another process needs to continue after the last complete clip.

        Raises RuntimeError in the middle of a clip.
        """
        if not self._clean:
            raise RuntimeError(f"clip {self.clip} is not complete: a border state exists only between clips")
        return BorderState(
            clip=self.clip,
            model=self.model.config,
            settings=self.settings,
            conditions=self.conditions,
            history=tuple(self._history),
        )

    @classmethod
    def resume(
        cls,
        model: DiffusionTransformer,
        state: BorderState,
        *,
        memory: Memory | None = None,
        randomness: Randomness | None = None,
    ) -> Rollout:
        """A rollout that continues after `state`, its rings rebuilt by replaying the recorded step inputs.

        Exact while the record reaches back to the first clip; later the oldest replayed blocks lack their own past. The
        same state always rebuilds the same rings. Raises BorderStateError if it belongs to another model.
        """
        state.check_model(model.config)
        rollout = cls(model, state.conditions, state.settings, memory=memory, randomness=randomness)
        if state.history:
            rollout._ring_start = state.history[0].clip
        for clip in state.history:
            rollout._prefill(clip.clip)
            for _ in rollout._sampler.replay(rollout._blocks(clip.clip, clip.audio), clip.inputs):
                pass
        rollout._history.extend(state.history)
        rollout.clip = state.clip
        return rollout

    def _blocks(self, clip: int, audio: Tensor) -> list[Block]:
        """The blocks of `clip`, whose features are `audio`."""
        first = clip * BLOCKS_PER_CLIP
        written = first - self._ring_start * BLOCKS_PER_CLIP
        return [
            Block(number=first + index, filled=min(written + index + 1, BLOCKS_PER_CLIP), features=features)
            for index, features in enumerate(audio.split(FRAMES_PER_BLOCK, dim=2))
        ]

    def _prefill(self, clip: int) -> None:
        """Fills the condition caches for `clip`, unless they hold that reference already; the text's once per video."""
        reference = self.conditions.reference_of(clip)
        if self._prefilled is reference:
            return
        self.model.prefill(
            reference=reference,
            motion=self.conditions.motion,
            text=self.conditions.text if self._prefilled is None else None,
            geometry=self.geometry,
            memory=self._memory,
        )
        self._prefilled = reference

    def _check_audio(self, audio: Tensor) -> None:
        expected = (self.model.config.audio_layers, self.model.config.audio_dim, FRAMES_PER_CLIP)
        if tuple(audio.shape) != expected:
            raise ValueError(
                f"audio features of clip {self.clip} have shape {tuple(audio.shape)}, a clip needs {expected}: "
                f"fill a short last clip to its {FRAMES_PER_CLIP} frames"
            )
