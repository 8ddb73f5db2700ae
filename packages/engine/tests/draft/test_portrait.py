"""Reading and framing portraits, and finding the faces in them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from farm_engine.draft.engine import prepare_portrait
from farm_engine.portrait.face_search import find_faces
from farm_engine.portrait.framing import frame_portrait, read_portrait
from farm_engine.portrait.mesh import box_around, mesh_from_box, mesh_size
from farm_engine.protocol import EngineError

ROOT = Path(__file__).parents[4]
TEACHER = ROOT / "samples" / "portrait.jpg"
PORTRAITS = ROOT / "benchmarks" / "draft" / "portraits"


class Listener:
    def __init__(self) -> None:
        self.codes: list[str] = []

    def warn(self, code: str, message: str) -> None:
        assert message
        self.codes.append(code)


def placed_in(canvas_size: tuple[int, int], *placements: tuple[np.ndarray, float, int, int]) -> np.ndarray:
    """A grey canvas of `(height, width)` with pictures, each scaled and put at x, y."""
    canvas = np.full((*canvas_size, 3), 128, np.uint8)
    for picture, scale, x, y in placements:
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    return canvas


@pytest.mark.parametrize("name", ["engineer", "grandmother", "student", "astronaut", "grace_hopper"])
def test_faces_in_photographs_and_drawings_are_certain(name):
    found = find_faces(read_portrait(PORTRAITS / f"{name}.jpg"))
    assert len(found.certain) == 1


def test_a_face_a_tenth_of_the_pictures_height_is_found_where_it_is():
    picture = placed_in((1024, 1400), (read_portrait(TEACHER), 0.25, 900, 700))
    (mesh,) = find_faces(picture).certain
    height = np.ptp(mesh[:, 1])
    assert 0.07 * 1024 < height < 0.13 * 1024
    np.testing.assert_allclose(mesh[:, :2].mean(axis=0), [900 + 0.25 * 416, 700 + 0.25 * 480], atol=15)


def test_a_face_that_overflows_the_picture_is_found():
    close = read_portrait(TEACHER)[255:665, 240:590]
    assert len(find_faces(close).certain) == 1


@pytest.mark.parametrize("name", ["teacher_turned", "astronaut_turned"])
def test_faces_in_three_quarter_view_are_certain(name):
    (mesh,) = find_faces(read_portrait(PORTRAITS / f"{name}.jpg")).certain
    from_left, to_right = (abs(mesh[1, 0] - mesh[ear, 0]) for ear in (234, 454))
    assert to_right > 2.5 * from_left


@pytest.mark.parametrize("degrees", [-30, -20, 20, 30])
def test_a_tilted_head_is_found_as_it_lies(degrees):
    upright = read_portrait(TEACHER)
    turn = cv2.getRotationMatrix2D((416, 480), degrees, 1.0)
    tilted = cv2.warpAffine(upright, turn, upright.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    (mesh,) = find_faces(tilted).certain
    (expected,) = find_faces(upright).certain
    away = np.linalg.norm(mesh[:, :2] - (expected[:, :2] @ turn[:, :2].T + turn[:, 2]), axis=1)
    assert np.median(away) < 0.02 * mesh_size(expected)
    assert away.max() < 0.06 * mesh_size(expected)


def test_a_box_that_is_askew_settles_on_the_face():
    picture = read_portrait(TEACHER)
    (expected,) = find_faces(picture).certain
    box = box_around(expected)
    askew = box + np.array([0.12 * box[2], -0.08 * box[2], 0.0, np.radians(40)])
    points, belief = mesh_from_box(picture, askew)
    assert belief > 0.99
    away = np.linalg.norm(points[:, :2] - expected[:, :2], axis=1)
    assert away.max() < 0.03 * mesh_size(expected)


@pytest.mark.parametrize("part", [np.s_[:, 400:], np.s_[:, :430], np.s_[420:, :], np.s_[:560, :]])
def test_a_face_that_the_edge_cuts_is_found(part):
    assert len(find_faces(read_portrait(TEACHER)[part]).certain) == 1


def test_the_largest_face_is_preferred_and_the_person_told(tmp_path):
    teacher, engineer = read_portrait(TEACHER), read_portrait(PORTRAITS / "engineer.jpg")
    picture = placed_in((800, 1300), (engineer, 0.4, 60, 300), (teacher, 0.75, 600, 20))
    cv2.imwrite(str(tmp_path / "two.png"), picture[:, :, ::-1])
    listener = Listener()
    _, face = prepare_portrait(tmp_path / "two.png", width=704, height=384, control=listener)
    assert listener.codes == ["several-faces"]
    assert abs(face.centre[0] - 704 / 1300 * (600 + 0.75 * 416)) < 15  # the teacher


def test_a_cat_is_no_face(tmp_path):
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


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name in ("empty.jpg", "missing.jpg"):
        with pytest.raises(EngineError) as caught:
            read_portrait(tmp_path / name)
        assert caught.value.code == "bad-portrait"
        assert name in caught.value.message


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
