"""One render: clips from the chain, frames to the host, in order and exactly as many as were asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from farm_engine.host import RenderControl, RenderRequest
from farm_engine.liveavatar.config import FRAMES_PER_BLOCK, FRAMES_PER_CLIP
from farm_engine.liveavatar.encoders.speech import SpeechFeatures
from farm_engine.liveavatar.serving.chain import Chain

Mark = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class _DecodingBlock:
    first_frame: int
    wait: Callable[[], np.ndarray]
    state_path: Path | None


class SegmentRenderer:
    """Drives a chain through one request.

    `blocks_ahead` is how many blocks may be in decoding while the next is denoised: 1 on a GPU, where both are queued,
    and 0 on a CPU, where a block is decoded at once. So memory does not depend on the number of clips.
    """

    def __init__(
        self, request: RenderRequest, control: RenderControl, features: SpeechFeatures, *, blocks_ahead: int, mark: Mark
    ) -> None:
        self._request, self._control, self._features = request, control, features
        self._blocks_ahead, self._mark = blocks_ahead, mark
        self._end = request.first_frame + request.frame_count
        self._piece_ends = {piece.first_frame + piece.frame_count for piece in request.pieces}
        self._decoding: deque[_DecodingBlock] = deque()

    def run(self, chain: Chain) -> bool:
        """Write every frame asked for; returns whether the chain stands at a border from which it can go on."""
        whole = True
        while whole and chain.next_frame < self._end:
            whole = self._render_clip(chain)
        self._write_decoded(keep=0)
        return whole

    def _render_clip(self, chain: Chain) -> bool:
        """Render one clip, or as many of its blocks as are needed; returns whether it became whole."""
        first, after = chain.next_frame, chain.next_frame + FRAMES_PER_CLIP
        self._control.check()
        blocks = chain.render_clip(self._features.frames(first, FRAMES_PER_CLIP), self._control.check)
        for block_first, latents in zip(range(first, after, FRAMES_PER_BLOCK), blocks, strict=True):
            block_end = block_first + FRAMES_PER_BLOCK
            state_path = self._save_state(chain, after) if block_end == after else None
            self._decoding.append(
                _DecodingBlock(first_frame=block_first, wait=chain.decoder.decode(latents), state_path=state_path)
            )
            self._write_decoded(keep=self._blocks_ahead)
            if block_end >= self._end and block_end < after:
                blocks.close()
                return False
        return True

    def _save_state(self, chain: Chain, frame: int) -> Path | None:
        directory = self._request.state_directory
        if directory is None or frame not in self._piece_ends:
            return None
        path = directory / f"border-{frame}.safetensors"
        chain.save(path)
        return path

    def _write_decoded(self, *, keep: int) -> None:
        while len(self._decoding) > keep:
            block = self._decoding.popleft()
            frames = block.wait()
            wanted = slice(max(0, self._request.first_frame - block.first_frame), max(0, self._end - block.first_frame))
            frames = frames[wanted]
            if block.state_path is not None:
                self._control.set_piece_state(block.state_path)
            if len(frames):
                self._control.write_frames(self._mark(frames))
