"""Decoding each block while the next one is denoised."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from farm_engine.liveavatar.finite import is_finite
from farm_engine.liveavatar.memory.host_copy import HostCopy
from farm_engine.liveavatar.vae.autoencoder import DecoderStream, VideoAutoencoder

WARM_UP_LATENTS = 7
"""Latents of the still portrait that the decoder sees before the first block, as in the published pipeline."""

PAST_LATENTS = 39
"""How many latents rebuild a decoder exactly: a frame depends on its own latent and the 38 before it, and the first
latent of a stream is decoded differently."""

STAGES = ("latents", "pixels")
"""What is checked of a block, in the order in which it is computed."""


class OnlineDecoder:
    """Latents in, uint8 frames out, for one video.

    On a GPU the work is queued on a stream of its own and `decode` returns immediately; the function it returns waits
    for the frames. The warm-up stands for the frames before the first one, so every latent of a block gives four frames
    and none is lost at the start.
    """

    def __init__(self, vae: VideoAutoencoder, *, warm_up: Tensor) -> None:
        """`warm_up` [16, n, h, w]: the latents that came before the first one to decode."""
        self._stream: DecoderStream = vae.open_decoder()
        self._cuda_stream = _decoding_stream() if vae.conv2.weight.is_cuda else None
        self._run(lambda: [self._stream.decode(latent) for latent in warm_up.split(1, dim=1)])

    def decode(self, latents: Tensor) -> Callable[[], np.ndarray]:
        """Queue latents [16, t, h, w]; the result waits and gives frames uint8 [4t, 8h, 8w, 3], RGB. It raises
        NotFiniteError instead if the latents or the frames contain NaN or infinity."""
        if self._cuda_stream is not None:
            latents.record_stream(self._cuda_stream)
        frames, finite = self._run(lambda: self._decode_to_host(latents))

        def wait() -> np.ndarray:
            for stage, sound in zip(STAGES, finite.read().tolist(), strict=True):
                if not sound:
                    raise NotFiniteError(stage)
            return frames.read().numpy()

        return wait

    def byte_count(self) -> int:
        """Bytes of past frames that decoding continues from."""
        return self._stream.byte_count()

    def _decode_to_host(self, latents: Tensor) -> tuple[HostCopy, HostCopy]:
        """The frames, and for each of `STAGES` whether it is finite."""
        # One latent at a time: on an H200 at 704x384 2.85 GiB instead of 5.24, for 0.152 s per block instead of 0.139.
        frames, finite = [], []
        for latent in latents.split(1, dim=1):
            decoded = self._stream.decode_unclamped(latent)
            # Before the bytes: there NaN would be black, and infinity white.
            finite.append(is_finite(decoded))
            frames.append(to_bytes(decoded))
        return HostCopy(torch.cat(frames)), HostCopy(torch.stack([is_finite(latents), torch.stack(finite).all()]))

    def _run(self, work: Callable):
        if self._cuda_stream is None:
            return work()
        self._cuda_stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._cuda_stream):
            return work()


class NotFiniteError(ArithmeticError):
    """`stage`, one of `STAGES`, gave NaN or infinity."""

    def __init__(self, stage: str) -> None:
        super().__init__(f"the {stage} contain NaN or infinity")
        self.stage = stage


@cache
def _decoding_stream() -> torch.cuda.Stream:
    """One stream for all videos: PyTorch keeps memory that a stream has used for that stream alone."""
    return torch.cuda.Stream()


def to_bytes(frames: Tensor) -> Tensor:
    """Frames [3, T, H, W] to uint8 [T, H, W, 3]; what is beyond -1..1 is clamped."""
    return ((frames + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0).contiguous()
