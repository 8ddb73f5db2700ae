"""A face as a few curves, made from mesh points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

# Point numbers of MediaPipe's face mesh, from the picture's left to its right.
UPPER_LIP_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_LIP_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
UPPER_LIP_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LOWER_LIP_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
LEFT_EYE_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
LEFT_EYE_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
RIGHT_EYE_UPPER = (362, 398, 384, 385, 386, 387, 388, 466, 263)
RIGHT_EYE_LOWER = (362, 382, 381, 380, 374, 373, 390, 249, 263)
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
NOSE_TIP, NOSE_BASE, CHIN, FOREHEAD = 1, 2, 152, 10

NO_CURVES = ("eyes", "certain", "drawn")
GRID = 8
"""Points are rounded to an eighth of a frame pixel: the networks' last bits differ between processors, which must
not show in a frame."""


@dataclass(frozen=True, kw_only=True)
class Eye:
    upper_lid: np.ndarray
    """float64 `[9, 2]`, from the picture's left to its right."""
    lower_lid: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Face:
    """Where a face is, in the pixels of a picture: the portrait's at first, the frame's once `placed`."""

    upper_lip_inner: np.ndarray
    """float64 `[11, 2]`, from the picture's left corner of the mouth to its right one."""
    lower_lip_inner: np.ndarray
    upper_lip_outer: np.ndarray
    lower_lip_outer: np.ndarray
    eyes: tuple[Eye, ...]
    """Empty where the eyes are not known: such a face does not blink."""
    oval: np.ndarray
    """float64 `[n, 2]`, the outline from forehead to chin and back."""
    nose_tip: np.ndarray
    nose_base: np.ndarray
    chin: np.ndarray
    certain: bool = True
    """Whether the curves can be trusted to the pixel. Where they cannot, nothing may be cut open or painted."""
    drawn: Literal["line", "opening", "unclear"] | None = None
    """What the mouth is in a drawing in flat colours, where the mesh's lips do not fit it."""

    @property
    def mouth_centre(self) -> np.ndarray:
        return (self.upper_lip_inner[0] + self.upper_lip_inner[-1]) / 2

    @property
    def mouth_width(self) -> float:
        return float(np.hypot(*(self.upper_lip_inner[-1] - self.upper_lip_inner[0])))

    @property
    def roll(self) -> float:
        """Angle of the mouth and eye lines against the horizontal, in radians, clockwise on screen."""
        across = self.upper_lip_inner[-1] - self.upper_lip_inner[0]
        if self.eyes:
            across = across + self.eyes[-1].upper_lid[-1] - self.eyes[0].upper_lid[0]
        return float(np.arctan2(across[1], across[0]))

    @property
    def centre(self) -> np.ndarray:
        return (self.oval.min(axis=0) + self.oval.max(axis=0)) / 2

    @property
    def size(self) -> np.ndarray:
        """Width and height of the outline."""
        return self.oval.max(axis=0) - self.oval.min(axis=0)

    def placed(self, place: Callable[[np.ndarray], np.ndarray]) -> Face:
        """This face in the pixels of the frame: `place` maps points, which are then rounded to the grid."""

        def on_grid(points: np.ndarray) -> np.ndarray:
            return np.round(place(points) * GRID) / GRID

        curves = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in NO_CURVES}
        eyes = tuple(
            replace(eye, upper_lid=on_grid(eye.upper_lid), lower_lid=on_grid(eye.lower_lid)) for eye in self.eyes
        )
        placed = {name: on_grid(points) for name, points in curves.items()}
        return replace(self, **placed, eyes=eyes)


def face_from_mesh(points: np.ndarray) -> Face:
    """Build a face from mesh points `[468, 2]`."""
    return Face(
        upper_lip_inner=points[list(UPPER_LIP_INNER)],
        lower_lip_inner=points[list(LOWER_LIP_INNER)],
        upper_lip_outer=points[list(UPPER_LIP_OUTER)],
        lower_lip_outer=points[list(LOWER_LIP_OUTER)],
        eyes=(
            Eye(upper_lid=points[list(LEFT_EYE_UPPER)], lower_lid=points[list(LEFT_EYE_LOWER)]),
            Eye(upper_lid=points[list(RIGHT_EYE_UPPER)], lower_lid=points[list(RIGHT_EYE_LOWER)]),
        ),
        oval=points[list(FACE_OVAL)],
        nose_tip=points[NOSE_TIP],
        nose_base=points[NOSE_BASE],
        chin=points[CHIN],
    )


def guessed_face(*, centre: np.ndarray, height: float) -> Face:
    """A face of average proportions where none was found: `centre` and `height` of its outline."""
    across = np.linspace(-1, 1, 11)
    mouth = np.column_stack([0.17 * across, np.full(11, 0.22)])
    bow = np.column_stack([np.zeros(11), 1 - across**2])
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    oval = np.column_stack([0.38 * np.sin(angles), -0.5 * np.cos(angles)])

    def placed(shape: np.ndarray) -> np.ndarray:
        return centre + height * shape

    return Face(
        upper_lip_inner=placed(mouth),
        lower_lip_inner=placed(mouth),
        upper_lip_outer=placed(mouth - 0.035 * bow),
        lower_lip_outer=placed(mouth + 0.045 * bow),
        eyes=(),
        certain=False,
        oval=placed(oval),
        nose_tip=placed(np.array([0.0, 0.06])),
        nose_base=placed(np.array([0.0, 0.11])),
        chin=placed(np.array([0.0, 0.5])),
    )
