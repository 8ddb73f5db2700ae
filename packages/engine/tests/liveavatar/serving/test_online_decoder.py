"""From latents to the bytes that the encoder reads: rgb24, row by row, frame by frame."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from farm_engine.liveavatar.serving.online_decoder import OnlineDecoder


class KnownFrames:
    """An autoencoder that shows given frames, whatever its latents are."""

    def __init__(self, frames: torch.Tensor) -> None:
        self.conv2 = SimpleNamespace(weight=torch.zeros(1))
        self._frames = frames

    def open_decoder(self) -> KnownFrames:
        return self

    def decode_unclamped(self, latents: torch.Tensor) -> torch.Tensor:
        return self._frames

    decode = decode_unclamped


def shown(frames: torch.Tensor) -> np.ndarray:
    """The bytes of frames [3, T, H, W]."""
    decoder = OnlineDecoder(KnownFrames(frames), warm_up=torch.zeros(16, 0, 1, 1))
    return decoder.decode(torch.zeros(16, 1, 1, 1))()


def level(value: float) -> torch.Tensor:
    return torch.full((3, 1, 1, 1), value / 255 * 2 - 1)


def test_every_level_is_its_byte():
    ramp = torch.stack([level(value) for value in range(256)], dim=4).squeeze(3)
    assert shown(ramp)[0, 0].tolist() == [[value] * 3 for value in range(256)]


@pytest.mark.parametrize("value, byte", [(99.6, 100), (100.4, 100), (254.6, 255), (0.4, 0), (300.0, 255), (-40.0, 0)])
def test_a_value_between_levels_is_rounded_and_one_beyond_them_is_cut(value, byte):
    assert shown(level(value)).tolist() == [[[[byte] * 3]]]


def test_bytes_are_frame_by_frame_row_by_row_and_red_first():
    values = torch.arange(3 * 4 * 2 * 5).reshape(3, 4, 2, 5)
    frames = shown(values / 255 * 2 - 1)
    assert frames.shape == (4, 2, 5, 3)
    assert frames.flags.c_contiguous
    for channel, frame, row, column in np.ndindex(3, 4, 2, 5):
        assert frames[frame, row, column, channel] == values[channel, frame, row, column]


def test_a_block_continues_the_warm_up_and_gives_four_frames_a_latent_in_their_order(vae):
    past, block = torch.randn(2, 16, 3, 2, 4, generator=torch.Generator().manual_seed(9))
    frames = OnlineDecoder(vae, warm_up=past).decode(block)()
    video = vae.decode(torch.cat([past, block], dim=1))[:, -12:]
    expected = np.rint((video.numpy() + 1) / 2 * 255).astype(int).transpose(1, 2, 3, 0)
    assert np.abs(frames - expected).max() <= 1
    assert (frames == expected).mean() > 0.999
