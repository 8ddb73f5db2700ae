"""The liveavatar engine: what the engine protocol calls."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Hashable
from pathlib import Path

import numpy as np
import torch

from farm_engine import __version__
from farm_engine.liveavatar.checkpoints import generator
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.models import LoadedModels, is_tiny, load_models
from farm_engine.liveavatar.checkpoints.verify import require_as_pulled
from farm_engine.liveavatar.conditions.encoder import ConditionEncoder, portrait_key
from farm_engine.liveavatar.encoders.speech import SpeechFeatures
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.serving.chain import Chain
from farm_engine.liveavatar.serving.device import probe_cuda, require_cuda
from farm_engine.liveavatar.serving.failures import named_failures
from farm_engine.liveavatar.serving.memory_use import MemoryUse
from farm_engine.liveavatar.serving.renderer import SegmentRenderer
from farm_engine.liveavatar.serving.saved_state import BadBorderStateError
from farm_engine.liveavatar.serving.watermark import watermark_random_weights
from farm_engine.liveavatar.transformer.compilation import compile_layers
from farm_engine.liveavatar.transformer.config import FRAMES_PER_CLIP
from farm_engine.protocol import EngineError, RenderControl, RenderRequest, RenderResult, ReportLoading
from farm_engine.protocol.speech import read_speech


class LiveAvatarEngine:
    """Resident models, and the chain of the last render in case the next one continues it."""

    name = "liveavatar"
    version = __version__

    def __init__(self, weights: Path | None, *, device: str = "auto", compiled: bool = False) -> None:
        """`weights`: folder in the published layout; None for a tiny model with random weights.

        `device`: `auto`, `cpu` or `cuda`.
        """
        self._weights, self._device_choice, self._compiled = weights, device, compiled
        self._kept: tuple[Hashable, Chain] | None = None

    def load(self, report: ReportLoading) -> dict[str, str | int | bool]:
        with tempfile.TemporaryDirectory() as folder:
            if self._weights is None:
                generator.write_published_layout(Path(folder), generator.TINY)
            layout = PublishedLayout(self._weights or Path(folder))
            layout.check_present()
            require_as_pulled(layout.folder, lambda file: report(f"verifying {file.path}", 0.0))
            with named_failures("choose a device", plan="none", memory=None):
                self._device = self._choose_device(layout)
            if self._device.type == "cpu":
                torch.set_num_threads(1)  # the tiny model gains nothing from more, and loses much on a busy machine
            self._dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
            self._plan = f"resident-{str(self._dtype).removeprefix('torch.')}"
            self._memory = MemoryUse(self._device)
            with named_failures("load the model", plan=self._plan, memory=self._memory):
                self._models: LoadedModels = load_models(layout, device=self._device, dtype=self._dtype, report=report)
                self._memory.release_cached()
        if self._compiled:
            compile_layers(self._models.transformer)
        self._conditions = ConditionEncoder(self._models)
        return self._description()

    def render(self, request: RenderRequest, control: RenderControl) -> RenderResult:
        self._check_settings(request)
        kept, self._kept = self._kept, None
        with named_failures(f"render {request.frame_count} frames", plan=self._plan, memory=self._memory):
            self._memory.start_measuring()
            samples = read_speech(request.speech).astype(np.float32) / 32768
            key = _segment_key(request, samples)
            chain = kept[1] if kept and kept[0] == key and kept[1].next_frame == request.first_frame else None
            # The rings of a chain that is not continued are freed before new ones are made.
            del kept
            chain = chain or self._open_chain(request, control)
            whole = self._renderer(request, control, samples).run(chain)
            if whole and chain.next_frame < request.segment_frame_count:
                self._kept = key, chain
            return RenderResult(peak_bytes=self._memory.peak_bytes(), plan=self._plan)

    def _open_chain(self, request: RenderRequest, control: RenderControl) -> Chain:
        """A new chain. Memory of the last rings and of the encoders goes back to the driver before rings are made."""
        self._memory.release_cached()
        settings = RolloutSettings(
            width=request.width, height=request.height, seed=request.seed, steps=request.settings.steps
        )
        if request.resume_state_path is not None:
            control.progress("rebuild")
            chain = self._resume_chain(request, control, settings)
            if chain is not None:
                return chain
        control.progress("prepare")
        conditions = self._conditions.conditions_of(request, control)
        self._memory.release_cached()
        return Chain.start(self._models, conditions, settings)

    def _resume_chain(self, request: RenderRequest, control: RenderControl, settings: RolloutSettings) -> Chain | None:
        """The chain that the border state continues; None, with a warning, when it is of no use.

        The render then starts from the segment's first frame: slower, and no reason to fail a job.
        """
        assert request.resume_state_path is not None
        try:
            chain = Chain.resume(self._models, request.resume_state_path, settings)
        except BadBorderStateError as error:
            control.warn("border-state-unused", f"{error.message} The segment is rendered from its first frame.")
            return None
        if chain.next_frame > request.first_frame:
            control.warn("border-state-unused", "The border state is after the first requested frame.")
            return None
        return chain

    def _renderer(self, request: RenderRequest, control: RenderControl, samples: np.ndarray) -> SegmentRenderer:
        if self._weights is None:
            control.warn(
                "random-weights",
                "This video was made by a tiny model with random weights: it shows that the farm works, not what the "
                "model can do. Start the engine with --weights for the real one.",
            )
        return SegmentRenderer(
            request,
            control,
            SpeechFeatures(
                self._models.speech,
                samples,
                margin_before=request.speech.margin_before,
                sample_count=request.speech.sample_count,
            ),
            watermark=watermark_random_weights if self._weights is None else lambda frames: frames,
        )

    def _choose_device(self, layout: PublishedLayout) -> torch.device:
        """The real model needs a GPU; the tiny one uses whatever is there."""
        facts = probe_cuda()
        if self._device_choice == "cuda" or (self._device_choice == "auto" and not is_tiny(layout)):
            require_cuda(facts)
            return torch.device("cuda")
        if self._device_choice == "auto" and facts.capability is not None:
            require_cuda(facts)
            return torch.device("cuda")
        return torch.device("cpu")

    def _check_settings(self, request: RenderRequest) -> None:
        settings = request.settings
        if settings.frames_per_clip != FRAMES_PER_CLIP:
            raise _unsupported(
                f"framesPerClip {settings.frames_per_clip}", f"the model was distilled for clips of {FRAMES_PER_CLIP}"
            )
        if settings.precision not in ("auto", "bf16"):
            raise _unsupported(f"precision {settings.precision}", "this engine computes in bf16; use auto or bf16")

    def _description(self) -> dict[str, str | int | bool]:
        parameters = sum(parameter.numel() for parameter in self._models.transformer.parameters())
        return {
            "device": torch.cuda.get_device_name() if self._device.type == "cuda" else "cpu",
            "precision": str(self._dtype).removeprefix("torch."),
            "plan": self._plan,
            "compiled": self._compiled,
            "parameters": parameters,
            "randomWeights": self._weights is None,
            "torch": torch.__version__,
        }


def _segment_key(request: RenderRequest, samples: np.ndarray) -> Hashable:
    """Equal for two requests of the same segment of the same video, whichever frames they ask for."""
    return (
        portrait_key(request),
        hashlib.sha256(samples.tobytes()).digest(),
        request.speech.margin_before,
        request.speech.sample_count,
        request.prompt,
        request.seed,
        request.settings,
    )


def _unsupported(what: str, why: str) -> EngineError:
    return EngineError("unsupported-setting", f"{what} cannot be rendered: {why}.", retriable="never")
