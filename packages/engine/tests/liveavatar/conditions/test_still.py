"""What the transformer is told about the portrait: its picture alone as reference, the same held still as motion."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from png_file import lopsided_picture, write_png
from recording_control import RecordingControl

from farm_engine.liveavatar.conditions.encoder import encode_still

WIDTH, HEIGHT = 128, 64
MOTION_FRAMES = 73


def as_video(picture, *, frames: int) -> torch.Tensor:
    pixels = torch.from_numpy(picture).permute(2, 0, 1).float() / 255 * 2 - 1
    return pixels[:, None].repeat(1, frames, 1, 1)


def test_the_motion_is_the_picture_held_still_for_73_frames(vae, relative_error):
    video = as_video(lopsided_picture(width=WIDTH, height=HEIGHT), frames=MOTION_FRAMES)
    motion = encode_still(vae, video[:, 0])
    assert motion.shape == (16, 19, HEIGHT // 8, WIDTH // 8)
    assert relative_error(motion, vae.encode(video)) < 1e-5


@pytest.fixture
def conditions_of(engine, request_for, tmp_path):
    """The engine's conditions for a picture."""

    def make(picture, name: str):
        write_png(tmp_path / name, picture)
        request = dataclasses.replace(request_for(1), portrait_path=tmp_path / name, width=WIDTH, height=HEIGHT)
        return engine._conditions.conditions_of(request, RecordingControl())

    return make


def test_each_portrait_is_its_own_reference_and_motion(engine, conditions_of, relative_error):
    vae = engine._models.vae
    first = lopsided_picture(width=WIDTH, height=HEIGHT)
    for picture, name in ((first, "first.png"), (255 - first, "second.png")):
        conditions = conditions_of(picture, name)
        alone = vae.open_encoder().encode(as_video(picture, frames=1))
        assert relative_error(conditions.reference, alone) < 1e-5
        assert relative_error(conditions.motion, vae.encode(as_video(picture, frames=MOTION_FRAMES))) < 1e-5
