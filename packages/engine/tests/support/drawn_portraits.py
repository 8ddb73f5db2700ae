"""Portraits drawn in flat colours, with mouths that no person has."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

FINER = 2
WIDTH, HEIGHT = 640, 800
FACE_CENTRE = np.array([320.0, 380.0])
INK = (30, 24, 26)
CAVITY = (58, 20, 24)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    mouth: str
    """`line`, `ellipse`, `laugh` (teeth and a tongue), `grin` (teeth only), `band` (a line from cheek to cheek)."""
    width: float = 90
    """Half the mouth's, pixels, as all that follow."""
    height: float = 40
    below: float = 127
    """From the middle of the face to the mouth."""
    face: tuple[float, float] = (190, 240)
    skin: tuple[int, int, int] = (242, 201, 165)
    hair: tuple[int, int, int] = (90, 52, 36)
    cavity: tuple[int, int, int] = CAVITY
    line: float = 5

    @property
    def mouth_centre(self) -> np.ndarray:
        return FACE_CENTRE + [0, self.below]


class _Canvas:
    def __init__(self, line: float) -> None:
        self.picture = np.full((HEIGHT * FINER, WIDTH * FINER, 3), (207, 219, 226), np.uint8)
        self._line = line

    def shape(self, points: np.ndarray, colour: tuple[int, int, int], *, outlined: bool = True) -> None:
        corners = [np.round(points * FINER).astype(np.int32)]
        cv2.fillPoly(self.picture, corners, colour, cv2.LINE_AA)
        if outlined and self._line:
            cv2.polylines(self.picture, corners, True, INK, round(self._line * FINER), cv2.LINE_AA)

    def curve(self, points: np.ndarray, width: float) -> None:
        cv2.polylines(
            self.picture, [np.round(points * FINER).astype(np.int32)], False, INK, round(width * FINER), cv2.LINE_AA
        )


def ellipse(centre: np.ndarray, across: float, down: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    return centre + np.column_stack([across * np.cos(angle), down * np.sin(angle)])


def bow(centre: np.ndarray, across: float, sag: float) -> np.ndarray:
    """A curve from left to right that hangs by `sag`."""
    along = np.linspace(-1, 1, 61)
    return centre + np.column_stack([across * along, sag * (1 - along**2)])


def draw(drawing: Drawing) -> np.ndarray:
    """The portrait, uint8 `[HEIGHT, WIDTH, 3]` RGB."""
    canvas, (width, height) = _Canvas(drawing.line), drawing.face
    canvas.shape(ellipse(np.array([320.0, 860.0]), 280, 200), (47, 93, 107))
    canvas.shape(np.array([[260.0, 540], [380, 540], [395, 690], [245, 690]]), drawing.skin)
    canvas.shape(ellipse(FACE_CENTRE - [0, 0.18 * height], 1.12 * width, 1.02 * height), drawing.hair)
    canvas.shape(ellipse(FACE_CENTRE, width, height), drawing.skin)
    for side in (-1, 1):
        eye = FACE_CENTRE + [side * 0.42 * width, -0.06 * height]
        canvas.shape(ellipse(eye, 0.2 * width, 0.085 * height), (250, 250, 250))
        canvas.shape(ellipse(eye, 0.07 * height, 0.07 * height), (84, 116, 60), outlined=False)
        canvas.shape(ellipse(eye, 0.035 * height, 0.035 * height), (10, 10, 10), outlined=False)
        canvas.curve(bow(eye, 0.2 * width, -0.085 * height), 6)
        canvas.curve(bow(eye - [0, 0.2 * height], 0.2 * width, -0.05 * height), 8)
    nose = FACE_CENTRE + [[-3, 0.1 * height], [-0.1 * width, 0.27 * height], [0.06 * width, 0.28 * height]]
    canvas.curve(nose, 3)
    _draw_mouth(canvas, drawing)
    return cv2.resize(canvas.picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def _draw_mouth(canvas: _Canvas, drawing: Drawing) -> None:
    centre, width, height = drawing.mouth_centre, drawing.width, drawing.height
    if drawing.mouth == "line":
        canvas.curve(bow(centre - [0, 0.3 * height], width, 0.6 * height), max(drawing.line, 4))
    elif drawing.mouth == "band":
        canvas.curve(bow(centre, width, 0.4 * height), 9)
    elif drawing.mouth == "ellipse":
        canvas.shape(ellipse(centre, width, height), drawing.cavity)
    elif drawing.mouth == "grin":
        upper, lower = bow(centre - [0, 0.5 * height], width, 0.5 * height), bow(centre, width, 1.9 * height)
        canvas.shape(np.concatenate([upper, lower[::-1] - [0, 0.5 * height]]), (250, 249, 244))
    else:
        angle = np.linspace(0, np.pi, 60)
        half = centre + np.column_stack([width * np.cos(angle), 1.4 * height * np.sin(angle) - 0.4 * height])
        canvas.shape(half, drawing.cavity)
        teeth = np.array([[-0.85, -0.36], [0.85, -0.36], [0.78, -0.1], [-0.78, -0.1]]) * [width, height]
        canvas.shape(centre + teeth, (250, 248, 245), outlined=False)
        canvas.shape(ellipse(centre + [0, 0.72 * height], 0.45 * width, 0.2 * height), (216, 96, 106), outlined=False)
