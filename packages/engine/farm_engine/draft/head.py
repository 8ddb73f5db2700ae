"""Moving the head as a whole, and with it what is soft: brows, lips' width, shoulders."""

from __future__ import annotations

import numpy as np

from farm_engine.draft.geometry import Region, region_around, smooth_step
from farm_engine.draft.motion import Motion
from farm_engine.portrait.face import Face
from farm_engine.portrait.geometry import sample

SWAY, BOB, TILT, TURN, NOD = 0.012, 0.010, 0.020, 0.030, 0.022
"""Greatest displacements as fractions of the face's height; the tilt in radians."""
BREATH, BROWS = 0.0018, 0.018
LIPS_SPREAD, LIPS_PURSED = 0.10, 0.26


class Head:
    """Displacement fields of one portrait, each a shape in space times a number in time."""

    def __init__(self, frame_shape: tuple[int, int], face: Face) -> None:
        height, width = frame_shape
        self.region = Region(left=0, top=0, right=width, bottom=height)
        self._x, self._y = self.region.grid()
        # A face that fills the frame does not move in proportion, or the whole picture would sway.
        self._unit = np.float32(min(face.size[1], 0.5 * min(height, width)))
        self._head = self._head_mask(face)
        neck = face.centre + np.array([0, 0.75 * face.size[1]])
        self._from_neck_x = (self._x - np.float32(neck[0])) * self._head
        self._from_neck_y = (self._y - np.float32(neck[1])) * self._head
        self._bulge = self._face_bulge(face) * self._head
        self._shoulders = self._shoulder_mask(face)
        self._brows = self._brow_mask(face)
        self._lips = self._lip_field(face)
        self._keep_what_moves()

    def draw(self, picture: np.ndarray, motion: Motion, index: int, *, lips_width: float) -> np.ndarray:
        """The picture with the head moved as in frame `index`."""
        unit = self._unit
        sway, bob = SWAY * unit * np.float32(motion.sway[index]), BOB * unit * np.float32(motion.bob[index])
        tilt = np.float32(TILT * motion.tilt[index])
        turn, nod = TURN * unit * np.float32(motion.turn[index]), NOD * unit * np.float32(motion.nod[index])
        lips = np.float32(lips_width * (LIPS_SPREAD if lips_width > 0 else LIPS_PURSED))
        shift_x = sway * self._head - tilt * self._from_neck_y + turn * self._bulge + lips * self._lips[0]
        shift_y = bob * self._head + tilt * self._from_neck_x + nod * self._bulge + lips * self._lips[1]
        shift_y -= np.float32(BROWS * motion.brows[index]) * unit * self._brows
        shift_y -= np.float32(BREATH * motion.breath[index]) * unit * self._shoulders
        moved = picture.copy()
        moved[self.region.slices] = sample(picture, self._x - shift_x, self._y - shift_y)
        return moved

    def _keep_what_moves(self) -> None:
        """Cut all fields to the rectangle outside which they are 0."""
        moving = (self._head > 0) | (self._shoulders > 0) | (self._brows > 0) | (self._lips[0] != 0)
        rows, columns = np.nonzero(moving)
        self.region = region_around(np.column_stack([columns, rows]), moving.shape)
        part = self.region.slices
        self._x, self._y, self._head, self._bulge = (
            np.ascontiguousarray(field[part]) for field in (self._x, self._y, self._head, self._bulge)
        )
        self._from_neck_x, self._from_neck_y = self._from_neck_x[part].copy(), self._from_neck_y[part].copy()
        self._shoulders, self._brows = self._shoulders[part].copy(), self._brows[part].copy()
        self._lips = self._lips[0][part].copy(), self._lips[1][part].copy()

    def _head_mask(self, face: Face) -> np.ndarray:
        """1 over the head and its hair, 0 well outside, soft on the neck and at the frame's border."""
        half_width, half_height = face.size[0] / 2, face.size[1] / 2
        across = (self._x - np.float32(face.centre[0])) / np.float32(half_width)
        down = (self._y - np.float32(face.centre[1] - 0.12 * face.size[1])) / np.float32(half_height)
        radius = np.sqrt(across * across + down * down)
        return smooth_step(radius, 1.85, 1.1) * self._inner_frame(face)

    def _inner_frame(self, face: Face) -> np.ndarray:
        """0 on the frame's border, so that nothing from beyond it is ever needed."""
        height, width = self.region.shape
        margin = max(4.0, 0.12 * float(face.size[1]))
        edge = np.minimum(np.minimum(self._x, width - 1 - self._x), np.minimum(self._y, height - 1 - self._y))
        return smooth_step(edge, 0.0, margin)

    def _face_bulge(self, face: Face) -> np.ndarray:
        """How far a point stands out of the head: most at the nose, nothing at the outline."""
        radius_x, radius_y = np.float32(0.62 * face.size[0]), np.float32(0.62 * face.size[1])
        middle = (face.centre + face.nose_tip) / 2
        across = (self._x - np.float32(middle[0])) / radius_x
        down = (self._y - np.float32(middle[1])) / radius_y
        bulge = np.clip(1 - across * across - down * down, 0, 1)
        return bulge * bulge

    def _shoulder_mask(self, face: Face) -> np.ndarray:
        """1 on the chest, fading towards the frame's border and above the chin."""
        across = np.abs(self._x - np.float32(face.chin[0]))
        below = smooth_step(self._y, face.chin[1] - 0.2 * face.size[1], face.chin[1] + 0.6 * face.size[1])
        return below * smooth_step(across, 2.2 * face.size[0], 0.6 * face.size[0]) * self._inner_frame(face)

    def _brow_mask(self, face: Face) -> np.ndarray:
        mask = np.zeros(self.region.shape, np.float32)
        for eye in face.eyes:
            width = np.float32(max(np.hypot(*(eye.upper_lid[-1] - eye.upper_lid[0])), 1))
            middle = eye.upper_lid.mean(axis=0)
            across = (self._x - np.float32(middle[0])) / (np.float32(1.1) * width)
            down = (self._y - np.float32(middle[1]) + np.float32(0.62) * width) / (np.float32(0.6) * width)
            rise = np.clip(1 - across * across - down * down, 0, 1)
            mask = np.maximum(mask, rise * rise * (3 - 2 * rise))
        return mask

    def _lip_field(self, face: Face) -> tuple[np.ndarray, np.ndarray]:
        """Outward displacement that widens the mouth about its middle, along the face's own axis."""
        cosine, sine = np.float32(np.cos(face.roll)), np.float32(np.sin(face.roll))
        x, y = self._x - np.float32(face.mouth_centre[0]), self._y - np.float32(face.mouth_centre[1])
        across, down = x * cosine + y * sine, y * cosine - x * sine
        width = np.float32(face.mouth_width)
        reach_across, reach_down = across / (np.float32(1.05) * width), down / (np.float32(0.75) * width)
        near = np.clip(1 - reach_across * reach_across - reach_down * reach_down, 0, 1)
        outward = across * near * near
        return outward * cosine, outward * sine
