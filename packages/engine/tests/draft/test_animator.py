"""What the frames show: mouths that open, close and keep to their place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from farm_engine.draft.animator import Animator
from farm_engine.draft.engine import prepare_portrait
from farm_engine.draft.motion import Motion, segment_motion
from farm_engine.draft.voice import VoiceCurves

ROOT = Path(__file__).parents[4]
PICTURES = {
    "teacher": ROOT / "samples" / "portrait.jpg",
    **{
        name: ROOT / "benchmarks" / "draft" / "portraits" / f"{name}.jpg"
        for name in ("student", "astronaut", "cat", "teacher_turned")
    },
}


class Listener:
    def warn(self, code: str, message: str) -> None:
        pass


@pytest.fixture(scope="module", params=PICTURES)
def prepared(request):
    frame, face = prepare_portrait(PICTURES[request.param], width=384, height=448, control=Listener())
    return frame, face, Animator(frame, face)


def shapes(*, opening: float = 0.0, width: float = 0.0, hiss: float = 0.0, emphasis: float = 0.0) -> VoiceCurves:
    values = {"opening": opening, "width": width, "hiss": hiss, "emphasis": emphasis}
    return VoiceCurves(**{name: np.array([value]) for name, value in values.items()})


def still(**changes: float) -> Motion:
    names = ("sway", "bob", "tilt", "turn", "nod", "breath", "brows", "blink")
    return Motion(**{name: np.array([changes.get(name, 0.0)]) for name in names})


def mouth_patch(face, frame: np.ndarray) -> np.ndarray:
    x, y, width = *face.mouth_centre, face.mouth_width
    return frame[int(y - 0.15 * width) : int(y + 0.35 * width), int(x - 0.3 * width) : int(x + 0.3 * width)]


def test_a_larger_opening_opens_the_mouth_wider(prepared):
    _, face, animator = prepared
    closed, half, wide = (animator.draw(0, shapes(opening=value), still()).astype(int) for value in (0.0, 0.5, 1.0))
    changed = [(np.abs(mouth_patch(face, frame - closed)).max(axis=2) > 30).mean() for frame in (half, wide)]
    assert 0.05 < changed[0] < changed[1]


def test_a_closed_portrait_opens_on_a_dark_cavity_with_teeth():
    frame, face = prepare_portrait(PICTURES["teacher"], width=384, height=448, control=Listener())
    animator = Animator(frame, face)
    closed, wide = (mouth_patch(face, animator.draw(0, shapes(opening=value), still())) for value in (0.0, 1.0))
    assert (wide.mean(axis=2) < 70).mean() > (closed.mean(axis=2) < 70).mean() + 0.12
    assert (pale(wide)).mean() > 0.03


def test_lips_that_do_not_speak_hide_the_teeth_of_a_smile():
    frame, face = prepare_portrait(PICTURES["student"], width=384, height=448, control=Listener())
    animator = Animator(frame, face)
    smiling = mouth_patch(face, frame)
    closed, speaking = (mouth_patch(face, animator.draw(0, shapes(opening=value), still())) for value in (0.0, 0.6))
    assert pale(smiling).mean() > 0.2
    assert pale(closed).mean() < 0.01
    assert pale(speaking).mean() > 0.1


def pale(patch: np.ndarray) -> np.ndarray:
    """Where a patch has the colour of teeth."""
    return (patch.min(axis=2) > 150) & (np.ptp(patch.astype(int), axis=2) < 60)


def test_opening_changes_nothing_above_the_nose_or_far_from_the_face(prepared):
    _, face, animator = prepared
    rest, wide = (animator.draw(0, shapes(opening=opening), still()) for opening in (0.0, 1.0))
    changed = np.abs(rest.astype(int) - wide).max(axis=2) > 0
    rows, columns = np.nonzero(changed)
    limit = face.nose_tip[1] if face.certain else face.oval[:, 1].min()
    assert rows.min() > limit - 2
    assert columns.min() > face.oval[:, 0].min() - 0.25 * face.size[0]
    assert columns.max() < face.oval[:, 0].max() + 0.25 * face.size[0]


def test_neighbouring_openings_give_neighbouring_frames(prepared):
    """No jump anywhere on the way from closed to open: nothing flickers or tears."""
    _, _, animator = prepared
    frames = [animator.draw(0, shapes(opening=value), still()).astype(int) for value in np.linspace(0, 1, 33)]
    steps = [np.abs(after - before).mean() for before, after in zip(frames, frames[1:], strict=False)]
    assert max(steps) < 4 * np.median(steps) + 0.02


def test_a_blink_covers_the_eyes_and_nothing_else(prepared):
    _, face, animator = prepared
    if not face.eyes:
        pytest.skip("no eyes are known")
    open_eyes, shut = animator.draw(0, shapes(), still()), animator.draw(0, shapes(), still(blink=1.0))
    rows, columns = np.nonzero(np.abs(open_eyes.astype(int) - shut).max(axis=2))
    lids = np.concatenate([np.concatenate([eye.upper_lid, eye.lower_lid]) for eye in face.eyes])
    reach = 0.5 * np.ptp(face.eyes[0].upper_lid[:, 0])
    assert lids[:, 1].min() - reach < rows.min() and rows.max() < lids[:, 1].max() + reach
    assert lids[:, 0].min() - reach < columns.min() and columns.max() < lids[:, 0].max() + reach


def test_what_is_outside_the_head_hardly_moves(prepared):
    frame, face, animator = prepared
    voice = VoiceCurves(**{name: np.zeros(120) for name in ("opening", "width", "hiss", "emphasis")})
    motion = segment_motion(np.sin(np.arange(120) / 9) ** 2, seed=4)
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
    across = (x - face.centre[0]) / (0.8 * face.size[0])
    down = (y - face.centre[1] + 0.05 * face.size[1]) / (0.875 * face.size[1])
    outside = across**2 + down**2 > 1
    rest = animator.draw(0, voice, motion).astype(int)
    changes = [np.abs(animator.draw(i, voice, motion) - rest)[outside].mean() for i in range(0, 120, 10)]
    assert np.mean(changes) < 1.0
    assert np.mean(changes) > 0.0


def test_a_blink_takes_the_lashes_along(prepared):
    _, face, animator = prepared
    if not face.eyes:
        pytest.skip("no eyes are known")
    open_eyes, shut = animator.draw(0, shapes(), still()), animator.draw(0, shapes(), still(blink=1.0))
    for eye in face.eyes:
        x, y = np.round(eye.upper_lid[3:-3]).astype(int).T
        skin = np.median(open_eyes[np.round(eye.lower_lid[3:-3, 1]).astype(int) + 6, x])
        assert np.median(open_eyes[y, x]) < 0.75 * skin < np.median(shut[y, x])


def test_nothing_behind_a_turned_face_colours_its_lids():
    frame, face = prepare_portrait(PICTURES["teacher_turned"], width=384, height=448, control=Listener())
    eyes = [np.concatenate([eye.upper_lid, eye.lower_lid]) for eye in face.eyes]
    outline = cv2.convexHull(np.concatenate([face.oval, *eyes]).astype(np.float32))
    behind = cv2.fillPoly(np.ones(frame.shape[:2], np.uint8), [np.round(outline).astype(np.int32)], 0)
    frame[behind > 0] = (0, 0, 255)
    animator = Animator(frame, face)
    open_eyes, shut = animator.draw(0, shapes(), still()), animator.draw(0, shapes(), still(blink=1.0))
    painted = np.abs(open_eyes.astype(int) - shut).max(axis=2) > 20
    assert painted.sum() > 100
    bluish = shut[..., 2].astype(int) > shut[..., 0]
    assert (bluish & painted & (behind == 0)).sum() < 0.02 * painted.sum()


def test_a_black_and_white_portrait_stays_black_and_white():
    frame, face = prepare_portrait(PICTURES["teacher"], width=384, height=448, control=Listener())
    grey = np.repeat(frame.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    speaking = Animator(grey, face).draw(0, shapes(opening=1.0, hiss=0.3), still(blink=1.0))
    assert np.ptp(speaking.astype(int), axis=2).max() <= 2


@pytest.fixture
def laughing():
    """A face whose open mouth fills the chin, as drawings have it: the frame, the face and where the mouth is."""
    frame, face = prepare_portrait(PICTURES["teacher"], width=384, height=448, control=Listener())
    half, centre = 0.5 * face.mouth_width, face.mouth_centre
    along = -np.cos(np.linspace(0, np.pi, 11))
    bow = np.sqrt(np.clip(1 - along**2, 0, 1))
    height = 0.8 * (face.chin[1] - centre[1])
    upper = centre + np.column_stack([half * along, -0.1 * half * bow])
    lower = centre + np.column_stack([half * along, height * bow])
    cv2.fillPoly(frame, [np.round(np.concatenate([upper, lower[::-1]])).astype(np.int32)], (30, 10, 12))
    inside = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.round(np.concatenate([upper, lower[::-1]])).astype(np.int32)], 1)
    lips = {"upper_lip_inner": upper, "lower_lip_inner": lower}
    outer = {"upper_lip_outer": upper - [0, 3], "lower_lip_outer": lower + [0, 3]}
    return frame, replace(face, **lips, **outer), inside > 0


def test_a_mouth_that_fills_the_chin_closes_and_leaves_the_chin_whole(laughing):
    frame, face, inside = laughing
    animator = Animator(frame, face)
    closed, wide = (animator.draw(0, shapes(opening=opening), still()) for opening in (0.0, 1.0))
    dark = [(picture.mean(axis=2) < 60)[inside].mean() for picture in (frame, closed, wide)]
    assert dark[0] > 0.9 and dark[1] < 0.12
    assert dark[2] > dark[1] + 0.1
    (x, y), reach = np.round(face.chin).astype(int), round(0.5 * face.mouth_width)
    outline = np.s_[y - 5 : y - 2, x - reach : x + reach]
    assert np.abs(closed[outline].astype(int) - frame[outline]).mean() < 8
