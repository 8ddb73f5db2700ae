"""One render: clips from the chain, frames to the encoder, in order and exactly as many as requested."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from farm_engine.liveavatar.encoders.speech import SpeechFeatures
from farm_engine.liveavatar.finite import ConditionsNotFiniteError, FramesNotFiniteError, is_finite
from farm_engine.liveavatar.memory.allocation import device_allocation_failed, host_allocation_failed
from farm_engine.liveavatar.memory.host_copy import HostCopy
from farm_engine.liveavatar.serving.chain import Chain
from farm_engine.liveavatar.serving.online_decoder import NotFiniteError
from farm_engine.liveavatar.serving.saved_state import SavedState
from farm_engine.liveavatar.transformer.config import FRAMES_PER_BLOCK, FRAMES_PER_CLIP
from farm_engine.protocol import RenderControl, RenderRequest
from farm_engine.protocol.host_memory import first_line

Watermark = Callable[[np.ndarray], np.ndarray]
"""Frames uint8 [count, H, W, 3] to frames of the same shape."""

UNWRITTEN_BLOCKS = 1
"""How many blocks may be in decoding or in writing while the next is denoised."""


@dataclass(frozen=True, kw_only=True)
class _DecodingBlock:
    first_frame: int
    speech_is_finite: HostCopy
    wait: Callable[[], np.ndarray]
    state: SavedState | None


class SegmentRenderer:
    """Drives a chain through one request.

    A separate thread waits for decoded frames and for the encoder that reads them. The thread that queues work for a
    GPU cannot: CUDA's queue is full until a block is nearly done, so frames would leave a block later, and nothing
    would be queued while they are written. At most `UNWRITTEN_BLOCKS` wait: memory does not depend on the number of
    clips.
    """

    def __init__(
        self, request: RenderRequest, control: RenderControl, features: SpeechFeatures, *, watermark: Watermark
    ) -> None:
        self._request, self._control, self._features, self._watermark = request, control, features, watermark
        self._end = request.first_frame + request.frame_count
        self._piece_ends = {piece.first_frame + piece.frame_count for piece in request.pieces}
        self._writing: deque[Future[None]] = deque()

    def run(self, chain: Chain) -> bool:
        """Write every requested frame; returns whether the chain is at a border from which it can continue."""
        complete = True
        # What was decoded is written even when the next clip fails: a piece that it completes is not lost.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="frames") as self._writer:
            while complete and chain.next_frame < self._end:
                complete = self._render_clip(chain)
            self._wait_for_writing(unwritten_blocks=0)
        return complete

    def _render_clip(self, chain: Chain) -> bool:
        """Render one clip, or as many of its blocks as are needed; returns whether the clip is complete."""
        first, after = chain.next_frame, chain.next_frame + FRAMES_PER_CLIP
        self._control.check()
        speech = self._features.frames(first, FRAMES_PER_CLIP)
        speech_is_finite = HostCopy(is_finite(speech))
        blocks = chain.render_clip(speech, self._control.check)
        for block_first, latents in zip(range(first, after, FRAMES_PER_BLOCK), blocks, strict=True):
            block_end = block_first + FRAMES_PER_BLOCK
            block = _DecodingBlock(
                first_frame=block_first,
                speech_is_finite=speech_is_finite,
                wait=chain.decoder.decode(latents),
                state=self._state_to_save(chain, after) if block_end == after else None,
            )
            previous = self._writing[-1] if self._writing else None
            self._writing.append(self._writer.submit(self._write, block, previous))
            self._wait_for_writing(unwritten_blocks=UNWRITTEN_BLOCKS)
            if block_end >= self._end and block_end < after:
                blocks.close()
                return False
        return True

    def _state_to_save(self, chain: Chain, frame: int) -> SavedState | None:
        if self._request.state_directory is None or frame not in self._piece_ends:
            return None
        try:
            return chain.state()
        except Exception as error:
            self._warn_of_unsaved_state(error)
            return None

    def _wait_for_writing(self, *, unwritten_blocks: int) -> None:
        """Wait until at most `unwritten_blocks` blocks are left to write. Raises what writing raised."""
        while len(self._writing) > unwritten_blocks:
            self._writing.popleft().result()

    def _write(self, block: _DecodingBlock, previous: Future[None] | None) -> None:
        if previous is not None:
            previous.result()  # no frames may follow frames that could not be written
        frames = self._sound_frames(block)
        requested = slice(max(0, self._request.first_frame - block.first_frame), max(0, self._end - block.first_frame))
        frames = frames[requested]
        if block.state is None:
            self._write_frames(frames)
            return
        # The state belongs to the piece that the last frame completes, not to one that ends within the block.
        self._write_frames(frames[:-1])
        self._control.save_piece_state(partial(self._save, block.state, block.first_frame + FRAMES_PER_BLOCK))
        self._write_frames(frames[-1:])

    def _write_frames(self, frames: np.ndarray) -> None:
        if len(frames):
            self._control.write_frames(self._watermark(frames))

    def _sound_frames(self, block: _DecodingBlock) -> np.ndarray:
        """The block's frames. Raises ConditionsNotFiniteError or FramesNotFiniteError instead of giving NaN's."""
        if not block.speech_is_finite.read():
            raise ConditionsNotFiniteError("speech")
        try:
            return block.wait()
        except NotFiniteError as error:
            raise FramesNotFiniteError(
                stage=error.stage, first_frame=block.first_frame, frame_count=FRAMES_PER_BLOCK
            ) from error

    def _save(self, state: SavedState, frame: int) -> Path | None:
        """Every block before `frame` has been found finite when this is called, and so has what the state records."""
        path = self._request.state_directory / f"border-{frame}.safetensors"
        try:
            state.write(path)
        except Exception as error:
            self._warn_of_unsaved_state(error)
            return None
        return path

    def _warn_of_unsaved_state(self, error: Exception) -> None:
        """A render is worth more than the state after it: without that, a later one starts further back. Raises the
        error again if it is neither of the disk nor of the memory."""
        if not (isinstance(error, OSError) or host_allocation_failed(error) or device_allocation_failed(error)):
            raise error
        self._control.warn(
            "state-not-saved",
            f"A border state could not be saved in {self._request.state_directory} "
            f"({getattr(error, 'strerror', None) or first_line(error)}): a render that is interrupted has to start "
            "again further back. Free space or memory there, or correct the folder.",
        )
