"""Which face is animated, and what is said about it."""

from __future__ import annotations

import cv2
import numpy as np
from portraits import PORTRAITS, TEACHER, placed_in

from farm_engine.draft.engine import prepare_portrait
from farm_engine.portrait.framing import read_portrait


class Listener:
    def __init__(self) -> None:
        self.codes: list[str] = []

    def warn(self, code: str, message: str) -> None:
        assert message
        self.codes.append(code)


def test_the_largest_face_is_preferred_with_a_warning(tmp_path):
    teacher, engineer = read_portrait(TEACHER), read_portrait(PORTRAITS / "engineer.jpg")
    picture = placed_in((800, 1300), (engineer, 0.4, 60, 300), (teacher, 0.75, 600, 20))
    cv2.imwrite(str(tmp_path / "two.png"), picture[:, :, ::-1])
    listener = Listener()
    _, face = prepare_portrait(tmp_path / "two.png", width=704, height=384, control=listener)
    assert listener.codes == ["several-faces"]
    assert abs(face.centre[0] - 704 / 1300 * (600 + 0.75 * 416)) < 15  # the teacher


def test_a_cat_is_not_a_face(tmp_path):
    listener = Listener()
    _, face = prepare_portrait(PORTRAITS / "cat.jpg", width=384, height=256, control=listener)
    assert listener.codes == ["face-not-found"]
    assert not face.certain


def test_a_face_too_small_to_see_is_warned_about(tmp_path):
    picture = placed_in((1024, 1400), (read_portrait(TEACHER), 0.2, 600, 500))
    cv2.imwrite(str(tmp_path / "far.png"), picture[:, :, ::-1])
    listener = Listener()
    prepare_portrait(tmp_path / "far.png", width=704, height=384, control=listener)
    assert listener.codes == ["face-small"]


def test_a_drawn_mouth_larger_than_the_meshs_is_found(tmp_path):
    picture = read_portrait(TEACHER)
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(inside, (416, 545), (80, 90), 0, 0, 180, 1, cv2.FILLED)
    picture[inside > 0] = (60, 12, 20)
    picture[545:565][inside[545:565] > 0] = (250, 248, 245)
    cv2.imwrite(str(tmp_path / "laughing.png"), picture[:, :, ::-1])
    frame, face = prepare_portrait(tmp_path / "laughing.png", width=832, height=1024, control=Listener())
    assert face.certain
    np.testing.assert_allclose(face.upper_lip_inner[5, 1], 545, atol=8)
    np.testing.assert_allclose(face.lower_lip_inner[5, 1], 635, atol=8)
    np.testing.assert_allclose(face.upper_lip_inner[[0, -1], 0], [336, 496], atol=8)


def test_eyes_drawn_as_large_whites_do_not_blink(tmp_path):
    picture = read_portrait(TEACHER)
    for x in (336, 496):
        cv2.circle(picture, (x, 400), 62, (252, 252, 252), cv2.FILLED)
        cv2.circle(picture, (x, 400), 14, (20, 30, 20), cv2.FILLED)
    cv2.imwrite(str(tmp_path / "wide-eyed.png"), picture[:, :, ::-1])
    _, face = prepare_portrait(tmp_path / "wide-eyed.png", width=416, height=512, control=Listener())
    assert face.certain and face.eyes == ()
