from __future__ import annotations

import cv2
import numpy as np
import pytest
from portraits import PORTRAITS, TEACHER, placed_in

from farm_engine.portrait.face_search import find_faces
from farm_engine.portrait.framing import read_portrait
from farm_engine.portrait.mesh import box_around, mesh_from_box, mesh_size


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
def test_a_tilted_head_is_found_with_its_tilt(degrees):
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
