"""The portrait's pixels as the published pipeline makes them: RGB, rows first, levels 0 to 255 on -1 to 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from png_file import lopsided_picture, write_png

from farm_engine.liveavatar.encoders.portrait import open_portrait
from farm_engine.portrait.framing import frame_portrait

HALF_A_LEVEL = 0.5 / 127.5 + 1e-6


def opened(path, picture, *, width: int, height: int) -> torch.Tensor:
    write_png(path / "portrait.png", picture)
    return open_portrait(path / "portrait.png", width=width, height=height).pixels


def as_pixels(picture: np.ndarray) -> torch.Tensor:
    """[height, width, 3] of 0 to 255 to [3, height, width] of -1 to 1."""
    return torch.stack([torch.from_numpy(picture[..., channel] / 255.0 * 2 - 1) for channel in range(3)]).float()


def test_a_portrait_of_the_videos_size_keeps_every_pixel(tmp_path):
    picture = lopsided_picture(width=128, height=64)
    pixels = opened(tmp_path, picture, width=128, height=64)
    torch.testing.assert_close(pixels, as_pixels(picture), atol=1e-6, rtol=0)
    assert (pixels[:, 0, 0] == -1).all() and (pixels[:, 0, 1] == 1).all()


@pytest.mark.parametrize("width, height", [(192, 64), (64, 192)])
def test_what_sticks_out_without_a_face_is_cut_off_on_both_sides_alike(tmp_path, width, height):
    picture = lopsided_picture(width=width, height=height)
    middle = picture[:, 64:128] if width > height else picture[64:128]
    pixels = opened(tmp_path, picture, width=64, height=64)
    torch.testing.assert_close(pixels, as_pixels(middle), atol=1e-6, rtol=0)


def test_a_picture_twice_as_large_is_averaged(tmp_path):
    picture = np.random.default_rng(3).integers(0, 256, (128, 256, 3), dtype=np.uint8)
    means = picture.reshape(64, 2, 128, 2, 3).mean(axis=(1, 3))
    pixels = opened(tmp_path, picture, width=128, height=64)
    torch.testing.assert_close(pixels, as_pixels(means), atol=HALF_A_LEVEL, rtol=0)


def test_a_transparent_portrait_lies_on_light_grey(tmp_path):
    picture = lopsided_picture(width=128, height=64)
    alpha = np.linspace(0, 255, 128).round().astype(np.uint8)[None, :, None].repeat(64, axis=0)
    share = alpha / 255.0
    pixels = opened(tmp_path, np.concatenate([picture, alpha], axis=-1), width=128, height=64)
    torch.testing.assert_close(pixels, as_pixels(picture * share + 224 * (1 - share)), atol=HALF_A_LEVEL, rtol=0)


def test_the_frame_follows_the_face_along_each_side():
    wide = frame_portrait((64, 192), width=64, height=64, face_centre=np.array([120.0, 10.0]))
    assert (wide.left, wide.top) == (120 - 32, 0)
    tall = frame_portrait((192, 64), width=64, height=64, face_centre=np.array([10.0, 100.0]))
    assert (tall.left, tall.top) == (0, round(100 - 0.42 * 64))
