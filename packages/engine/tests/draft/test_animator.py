"""What the frames show: mouths that open, close and keep to their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from farm_engine.draft.animator import Animator
from farm_engine.draft.engine import prepare_portrait
from farm_engine.draft.motion import Motion, segment_motion
from farm_engine.draft.voice import VoiceCurves

ROOT = Path(__file__).parents[4]
PICTURES = {
    "teacher": ROOT / "samples" / "portrait.jpg",
    **{name: ROOT / "benchmarks" / "draft" / "portraits" / f"{name}.jpg" for name in ("student", "astronaut", "cat")},
}


class Listener:
    def warn(self, code: str, message: str) -> None:
        pass


@pytest.fixture(scope="module", params=PICTURES)
def prepared(request):
    frame, face = prepare_portrait(PICTURES[request.param], width=384, height=448, control=Listener())
    return frame, face, Animator(frame, face)


def shapes(opening: float = 0.0, width: float = 0.0, hiss: float = 0.0, emphasis: float = 0.0) -> VoiceCurves:
    values = {"opening": opening, "width": width, "hiss": hiss, "emphasis": emphasis}
    return VoiceCurves(**{name: np.array([value]) for name, value in values.items()})


def still(**changes: float) -> Motion:
    names = ("sway", "bob", "tilt", "turn", "nod", "breath", "brows", "blink")
    return Motion(**{name: np.array([changes.get(name, 0.0)]) for name in names})


def mouth_patch(face, frame: np.ndarray) -> np.ndarray:
    x, y, width = *face.mouth_centre, face.mouth_width
    return frame[int(y - 0.15 * width) : int(y + 0.35 * width), int(x - 0.3 * width) : int(x + 0.3 * width)]


def test_the_mouth_opens_the_wider_the_more_it_is_told_to(prepared):
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
