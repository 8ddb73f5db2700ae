"""Drawings with mouths that the face mesh does not know: they close, open once, and never tear."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_portraits import HEIGHT, Drawing, draw
from portraits import PORTRAITS, TEACHER

from farm_engine.draft.animator import Animator
from farm_engine.draft.engine import prepare_portrait
from farm_engine.draft.motion import Motion
from farm_engine.draft.voice import VoiceCurves

SIZE = {"width": 384, "height": 480}
"""The proportions of the drawings: all of them is seen."""
OPEN = {
    "small": Drawing(mouth="ellipse", width=30, height=28),
    "middle": Drawing(mouth="ellipse", width=70, height=40),
    "large": Drawing(mouth="ellipse", width=110, height=65),
    "tall": Drawing(mouth="ellipse", width=55, height=80, below=137),
    "fills the chin": Drawing(mouth="ellipse", width=110, height=90, below=132),
    "without an outline": Drawing(mouth="ellipse", width=75, height=45, line=0),
    "thick outline": Drawing(mouth="ellipse", width=80, height=50, line=12),
    "dark skin": Drawing(mouth="ellipse", width=70, height=45, skin=(120, 72, 48), hair=(21, 17, 15)),
    "long face": Drawing(mouth="ellipse", width=60, height=45, face=(150, 260)),
    "laugh": Drawing(mouth="laugh", width=110, height=70),
    "grin": Drawing(mouth="grin", width=120, height=35),
    "line drawing": Drawing(mouth="ellipse", width=60, height=40, skin=(255,) * 3, hair=(255,) * 3, cavity=(16,) * 3),
}
LINES = {
    "narrow": Drawing(mouth="line", width=60, height=20),
    "wide": Drawing(mouth="line", width=130, height=50),
    "wide and thick": Drawing(mouth="line", width=125, height=60, line=12),
    "round face": Drawing(mouth="line", width=130, height=40, face=(230, 220)),
    "dark skin": Drawing(mouth="line", width=120, height=45, skin=(120, 72, 48), hair=(21, 17, 15)),
}
FROM_EAR_TO_EAR = Drawing(mouth="band", width=186, height=50)


class Listener:
    def __init__(self) -> None:
        self.warnings: dict[str, str] = {}

    def warn(self, code: str, message: str) -> None:
        self.warnings[code] = message


def drawn_at(animator: Animator, opening: float) -> np.ndarray:
    names = ("sway", "bob", "tilt", "turn", "nod", "breath", "brows", "blink")
    still = Motion(**{name: np.zeros(1) for name in names})
    curves = {"opening": opening, "width": 0.0, "hiss": 0.0, "emphasis": 0.0}
    voice = VoiceCurves(**{name: np.array([value]) for name, value in curves.items()})
    return animator.draw(0, voice, still)


class Shown:
    """A drawing, framed, and what the draft makes of it."""

    def __init__(self, folder, drawing: Drawing) -> None:
        cv2.imwrite(str(folder / "drawn.png"), draw(drawing)[:, :, ::-1])
        self.drawing, self.listener = drawing, Listener()
        self.frame, self.face = prepare_portrait(folder / "drawn.png", **SIZE, control=self.listener)
        self._animator = Animator(self.frame, self.face)

    def at(self, opening: float) -> np.ndarray:
        return drawn_at(self._animator, opening)

    def mouth(self, frame: np.ndarray) -> np.ndarray:
        """What is not skin between nose and chin, with the teeth that it encloses: bool `[height, width]`."""
        scale = SIZE["height"] / HEIGHT
        unlike = np.abs(frame.astype(int) - self.drawing.skin).max(axis=2) > 0.12 * max(self.drawing.skin)
        width, height = self.drawing.face
        down, across = np.mgrid[: frame.shape[0], : frame.shape[1]] / scale
        within = ((across - 320) / (width - 14)) ** 2 + ((down - 380) / (height - 14)) ** 2 < 1
        mouth = (unlike & within & (down > 380 + 0.31 * height)).astype(np.uint8)
        outlines, _ = cv2.findContours(mouth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        return cv2.drawContours(mouth, outlines, -1, 1, cv2.FILLED) > 0


def heights(mouth: np.ndarray) -> np.ndarray:
    """From the first to the last pixel of each column."""
    used = mouth.any(axis=0)
    return np.where(used, mouth.shape[0] - mouth[::-1].argmax(axis=0) - mouth.argmax(axis=0), 0)


def pieces(mouth: np.ndarray) -> int:
    """Parts of the mouth that are clearly apart."""
    joined = cv2.morphologyEx(mouth.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5)))
    return cv2.connectedComponents(joined, connectivity=8)[0] - 1


@pytest.mark.parametrize("name", OPEN)
def test_an_open_mouth_closes_to_one_line_in_silence(tmp_path, name):
    shown = Shown(tmp_path, OPEN[name])
    portrait, silent = (heights(shown.mouth(frame)) for frame in (shown.frame, shown.at(0.0)))
    assert portrait.max() > 12
    assert 1 <= silent.max() <= 7
    assert pieces(shown.mouth(shown.at(0.0))) == 1
    assert shown.listener.warnings == {}


@pytest.mark.parametrize("across", [20, 30, 45, 70])
def test_a_mouth_of_a_few_pixels_moves_too(tmp_path, across):
    """The same drawing far away: its mouth is narrower than the margins around it."""
    near = draw(Drawing(mouth="ellipse", width=across, height=40))
    far = np.full((4 * near.shape[0], 4 * near.shape[1], 3), near[0, 0], np.uint8)
    top, left = (far.shape[0] - near.shape[0]) // 2, (far.shape[1] - near.shape[1]) // 2
    far[top : top + near.shape[0], left : left + near.shape[1]] = near
    cv2.imwrite(str(tmp_path / "far.png"), far[:, :, ::-1])
    frame, face = prepare_portrait(tmp_path / "far.png", width=256, height=256, control=Listener())
    frames = [drawn_at(Animator(frame, face), opening) for opening in (0.0, 0.5, 1.0)]
    assert not np.array_equal(frames[0], frames[2])


@pytest.mark.parametrize("name", OPEN)
def test_an_open_mouth_opens_once_and_as_it_is_drawn(tmp_path, name):
    shown = Shown(tmp_path, OPEN[name])
    areas = [int(shown.mouth(shown.at(opening)).sum()) for opening in (0.0, 0.3, 0.6, 1.0)]
    assert areas == sorted(areas) and areas[3] > 2 * areas[0]
    assert all(pieces(shown.mouth(shown.at(opening))) == 1 for opening in (0.15, 0.3, 0.6, 1.0))
    drawn = int(shown.mouth(shown.frame).sum())
    assert 0.9 * drawn < areas[3] < 1.7 * drawn


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_left_alone_in_silence_and_opens_along_its_length(tmp_path, name):
    shown = Shown(tmp_path, LINES[name])
    np.testing.assert_array_equal(shown.at(0.0), shown.frame)
    drawn, loud = (shown.mouth(frame) for frame in (shown.frame, shown.at(1.0)))
    assert heights(loud).max() > heights(drawn).max() + 6
    opened = np.flatnonzero(heights(loud) > heights(drawn).max() + 2)
    assert np.ptp(opened) > 0.7 * np.ptp(np.flatnonzero(heights(drawn)))
    assert shown.listener.warnings == {}


@pytest.mark.parametrize("name", LINES)
def test_a_line_opens_on_one_mouth_and_the_chin_stays_whole(tmp_path, name):
    shown = Shown(tmp_path, LINES[name])
    assert all(pieces(shown.mouth(shown.at(opening))) == 1 for opening in (0.15, 0.4, 0.7, 1.0))


def test_where_no_mouth_fits_little_moves_and_a_warning_says_so(tmp_path):
    shown = Shown(tmp_path, FROM_EAR_TO_EAR)
    assert list(shown.listener.warnings) == ["mouth-fit-poor"]
    message = shown.listener.warnings["mouth-fit-poor"]
    assert "mouth" in message and "photograph" in message
    np.testing.assert_array_equal(shown.at(0.0), shown.frame)
    drawn, loud = shown.mouth(shown.frame), shown.mouth(shown.at(1.0))
    assert pieces(loud) == pieces(drawn)
    assert heights(loud).max() <= heights(drawn).max() + 2
    rows = [np.flatnonzero(mouth[:, round(shown.face.mouth_centre[0])]).mean() for mouth in (drawn, loud)]
    assert 1 < rows[1] - rows[0] < 0.05 * shown.face.size[1]


@pytest.mark.parametrize("portrait", [TEACHER, *sorted(PORTRAITS.glob("*.jpg"))], ids=lambda path: path.stem)
def test_the_mouths_of_the_samples_fit(portrait):
    listener = Listener()
    _, face = prepare_portrait(portrait, **SIZE, control=listener)
    assert "mouth-fit-poor" not in listener.warnings
    assert face.drawn is None
