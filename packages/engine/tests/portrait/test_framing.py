from __future__ import annotations

import cv2
import numpy as np
import pytest

from farm_engine.portrait.framing import frame_portrait, read_portrait
from farm_engine.protocol import EngineError


@pytest.mark.parametrize("size", [(384, 256), (256, 384), (704, 384), (384, 704), (1024, 64)])
@pytest.mark.parametrize("picture_size", [(900, 300), (300, 900), (512, 512), (17, 13)])
def test_framing_covers_without_stretching(size, picture_size):
    width, height = size
    y, x = np.mgrid[: picture_size[0], : picture_size[1]]
    framing = frame_portrait(picture_size, width=width, height=height, face_centre=np.array([5.0, 5.0]))
    frame = framing.cut(np.stack([x % 256, y % 256, 0 * x], axis=-1).astype(np.uint8))
    assert frame.shape == (height, width, 3)
    assert framing.left >= 0 and framing.top >= 0
    assert framing.left + width / framing.scale <= picture_size[1] + 1
    assert framing.top + height / framing.scale <= picture_size[0] + 1
    corner = framing.place(np.array([framing.left, framing.top]))
    np.testing.assert_allclose(corner, 0)


def test_grey_transparent_and_deep_pictures_are_read(tmp_path):
    gradient = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    cv2.imwrite(str(tmp_path / "grey.png"), gradient)
    cv2.imwrite(str(tmp_path / "deep.png"), gradient.astype(np.uint16) * 257)
    clear = np.dstack([gradient, gradient, gradient, np.zeros_like(gradient)])
    cv2.imwrite(str(tmp_path / "clear.png"), clear)
    for name in ("grey", "deep"):
        np.testing.assert_allclose(read_portrait(tmp_path / f"{name}.png")[:, :, 0], gradient, atol=1)
    assert (read_portrait(tmp_path / "clear.png") == 224).all()


def test_a_portrait_of_a_few_pixels_is_refused_and_a_huge_one_shrunk(tmp_path):
    cv2.imwrite(str(tmp_path / "few.png"), np.zeros((12, 900, 3), np.uint8))
    with pytest.raises(EngineError, match="900 x 12 pixels"):
        read_portrait(tmp_path / "few.png")
    cv2.imwrite(str(tmp_path / "huge.jpg"), np.zeros((100, 8000, 3), np.uint8))
    assert read_portrait(tmp_path / "huge.jpg").shape == (38, 3072, 3)


def test_what_is_not_a_picture_is_named(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name in ("empty.jpg", "missing.jpg"):
        with pytest.raises(EngineError) as caught:
            read_portrait(tmp_path / name)
        assert caught.value.code == "bad-portrait"
        assert name in caught.value.message
