"""Opening and closing the mouth: lips parted along their seam, and what is seen between them."""

from __future__ import annotations

import numpy as np

from farm_engine.draft.closing import Closing, Lips, MouthSize, closing_reach
from farm_engine.draft.geometry import Region, region_around, smooth_step
from farm_engine.draft.tone import as_shown_in
from farm_engine.portrait.face import Face
from farm_engine.portrait.geometry import sample

JAW_SHARE = 0.8
"""Of an opening, what the lower lip does; the upper lip does the rest."""
FULL_OPENING = 0.42
"""The widest opening as a fraction of the mouth's width."""
CLOSED_SEAM = 0.4
"""Where open lips meet when they close, from the upper lip (0) to the lower one (1)."""
LEAST_CHIN, LEAST_NOSE = 0.1, 0.1
"""Chin and upper lip count as at least this high, in widths of the mouth; the mesh may be within the lips."""
CHEEK_REACH, WITHIN_FACE = 2.2, 1.15
"""How far the jaw takes the cheeks along, in halves of the mouth's width; of the face's where a drawn mouth is so wide
that this would bend its outline."""
STEEPEST = 4.0
"""Lips that run more upright count as this steep."""
CAVITY = np.array([58, 20, 22], np.float32)
TEETH = np.array([240, 233, 222], np.float32)
TONGUE = np.array([176, 88, 88], np.float32)


class Mouth:
    """The mouth of one portrait in one frame size. `draw` paints an opening into the frame it is given."""

    def __init__(self, frame: np.ndarray, face: Face) -> None:
        self._frame = frame
        self._face = face
        self._width = face.mouth_width
        cosine, sine = np.float32(np.cos(face.roll)), np.float32(np.sin(face.roll))
        self._down = (-sine, cosine)
        chin_room = float(self._along(face.chin[None])[1][0] - self._along(face.lower_lip_inner[5:6])[1][0])
        chin_room = max(chin_room, LEAST_CHIN * self._width)
        widest = float((self._along(face.lower_lip_inner)[1] - self._along(face.upper_lip_inner)[1]).max())
        self._nose_room = max(-float(self._along(face.nose_base[None])[1][0]), LEAST_NOSE * self._width)
        # Closing must not fold the skin that is pulled along: it may not move further than it has room to fade out.
        self._closed_seam = min(CLOSED_SEAM, 0.35 * self._nose_room / max(widest, 1e-3))
        self._widest = widest
        self.region = self._find_region(frame.shape[:2], chin_room)
        self._x, self._y = self.region.grid()
        self._shape_lips(chin_room)
        room = 0.62 * chin_room + self._closing.most_hidden / JAW_SHARE
        self._full_opening = min(FULL_OPENING * self._width, room)
        self._paint_interior()

    def draw(self, target: np.ndarray, *, opening: float, hiss: float) -> None:
        """Paint the mouth region, opened by 0..1, into `target` (uint8 `[height, width, 3]`)."""
        amount = np.float32(opening * self._full_opening)
        lower, upper = amount * np.float32(JAW_SHARE), amount * np.float32(1 - JAW_SHARE)
        top, bottom = self._seam - upper * self._arc, self._seam + lower * self._arc
        jaw = np.maximum(lower - np.float32(self._closing.most_hidden), np.float32(0))
        is_lower = self._v > (top + bottom) * np.float32(0.5)
        shift = np.where(
            is_lower, jaw * self._lower_pull + self._closing.pull, self._upper_rest - upper * self._upper_pull
        )
        skin = sample(self._frame, self._x - self._down[0] * shift, self._y - self._down[1] * shift)
        if self._closing.most_hidden > 0:
            self._closing.hide(skin, bottom=bottom, jaw=jaw * self._arc)
        if amount > 0:
            self._blend_interior(skin, top=top, bottom=bottom, hiss=hiss)
        target[self.region.slices] = skin

    def _along(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates in the face's own axes, origin in the middle of the mouth: across and down."""
        x = points[:, 0] - self._face.mouth_centre[0]
        y = points[:, 1] - self._face.mouth_centre[1]
        sine, cosine = -self._down[0], self._down[1]
        return x * cosine + y * sine, y * cosine - x * sine

    def _find_region(self, frame_shape: tuple[int, int], chin_room: float) -> Region:
        centre, reach = self._face.mouth_centre, 1.25 * self._width
        across, down = np.array([self._down[1], -self._down[0]]), np.array(self._down)
        corners = [
            centre + side * reach * across + depth * down
            for side in (-1, 1)
            for depth in (
                -self._nose_room,
                max(chin_room * 1.9, self._widest + closing_reach(self._widest, chin_room)) + 0.2 * self._width,
            )
        ]
        return region_around(np.array(corners), frame_shape)

    def _shape_lips(self, chin_room: float) -> None:
        face = self._face
        flat = np.column_stack([self._x.ravel(), self._y.ravel()])
        u, v = self._along(flat)
        self._u, self._v = u.reshape(self._x.shape).astype(np.float32), v.reshape(self._x.shape).astype(np.float32)
        upper_u, upper_v = self._along(face.upper_lip_inner)
        lower_u, lower_v = self._along(face.lower_lip_inner)
        columns = self._u
        upper_edge = np.interp(columns, upper_u, upper_v).astype(np.float32)
        lower_edge = np.maximum(np.interp(columns, lower_u, lower_v).astype(np.float32), upper_edge)
        self._seam = upper_edge + np.float32(self._closed_seam) * (lower_edge - upper_edge)
        self._upper_edge, self._lower_edge = upper_edge, lower_edge
        self._t = self._from_middle(columns, float(upper_u[0]), float(upper_u[-1]))
        round_arc = np.clip(1 - self._t * self._t, 0, 1)
        self._arc = np.sqrt(round_arc) * np.sqrt(np.sqrt(round_arc))
        self._pull_skin(chin_room, round_arc)

    def _from_middle(self, u: np.ndarray, left: float, right: float) -> np.ndarray:
        """-1 at the left corner of the mouth, 1 at the right one, 0 where the lips' middle is: nearer to the far corner
        when the face is turned."""
        outer = np.stack([self._face.upper_lip_outer[5], self._face.lower_lip_outer[5]])
        quarter = max((right - left) / 4, 0.1)
        middle = max(min(float(self._along(outer)[0].mean()), right - quarter), left + quarter)
        half = np.where(u < np.float32(middle), np.float32(middle - left), np.float32(max(right - middle, quarter)))
        return (u - np.float32(middle)) / half

    def _pull_skin(self, chin_room: float, round_arc: np.ndarray) -> None:
        """How far each pixel follows its lip: wholly at the lip, the chin with the jaw, the cheeks less and less."""
        nose_room = self._nose_room
        depth = self._v - self._seam
        lip = float((self._along(self._face.lower_lip_outer)[1] - self._along(self._face.lower_lip_inner)[1]).max())
        wide = smooth_step(np.abs(self._t), self._cheek_reach(), 0.2)
        spread = smooth_step(depth, 0.5 * lip, max(lip + 0.35 * chin_room, 1.0))
        fade = smooth_step(depth, 1.75 * chin_room, 0.75 * chin_room)
        self._lower_pull = (self._arc + (wide * np.float32(0.85) - self._arc) * spread) * fade
        self._upper_pull = self._arc * smooth_step(-depth, 0.95 * nose_room, 0.3 * nose_room)
        self._closing = self._close(lip, chin_room)
        self._upper_rest = (self._seam - self._upper_edge) * smooth_step(-depth, 0.95 * nose_room, 0.3 * nose_room)

    def _cheek_reach(self) -> float:
        if self._face.drawn is None:
            return CHEEK_REACH
        return min(CHEEK_REACH, WITHIN_FACE * float(self._face.size[0]) / max(self._width, 1.0))

    def _close(self, lip: float, chin_room: float) -> Closing:
        lower_u, lower_v = self._along(self._face.lower_lip_inner)
        slope = np.minimum(np.abs(np.diff(lower_v) / np.maximum(np.diff(lower_u), 0.1)), STEEPEST)
        steepness = np.interp(self._u, (lower_u[1:] + lower_u[:-1]) / 2, slope).astype(np.float32)
        lips = Lips(u=self._u, v=self._v, t=self._t, seam=self._seam, lower_edge=self._lower_edge, steepness=steepness)
        down = np.array(self._down)
        across = np.array([down[1], -down[0]])

        def below(u: np.ndarray, depth: np.ndarray) -> np.ndarray:
            v = np.interp(u, lower_u, lower_v) + depth
            return self._face.mouth_centre + u[..., None] * across + v[..., None] * down

        size = MouthSize(width=self._width, widest=self._widest, lip=lip, chin=chin_room)
        return Closing(self._frame, lips, below=below, size=size)

    def _paint_interior(self) -> None:
        """What the mouth shows, as far as it does not move with the jaw: the cavity and the upper teeth."""
        brightness, tint = self._skin_light()
        cavity, tongue, teeth_colour = (as_shown_in(self._frame, colour) for colour in (CAVITY, TONGUE, TEETH))
        below = self._v - self._seam
        middle = smooth_step(np.abs(self._t), 0.95, 0.35)
        teeth = smooth_step(below, 0.065 * self._width, 0.035 * self._width) * middle
        shade = np.float32(0.7) + np.float32(0.3) * middle
        self._cavity = np.broadcast_to(cavity * brightness, (*self._v.shape, 3)).astype(np.float32)
        self._tongue_colour = tongue * brightness
        self._teeth_colour = teeth_colour * tint * (np.float32(0.4) + np.float32(0.6) * brightness) * shade[..., None]
        self._teeth = teeth
        # Where the portrait's own mouth is open, what it shows is better than anything drawn.
        shown = np.minimum(self._v - self._upper_edge, self._lower_edge - self._v)
        self._shown = smooth_step(shown, 0.0, 0.03 * self._width)[..., None]
        self._shown_colour = self._frame[self.region.slices].astype(np.float32)
        self._edge_width = max(0.9, 0.012 * self._width)
        self._shadow_width = np.float32(0.06 * self._width)

    def _skin_light(self) -> tuple[np.float32, np.ndarray]:
        """How bright the light on the mouth region is, 1 for a well lit face, and its tint, RGB around 1."""
        colour = np.median(self._frame[self.region.slices].reshape(-1, 3), axis=0)
        brightness = np.float32(round(float(np.clip(colour.mean() / 165, 0.35, 1.1)), 2))
        # Skin is warmer than the light on it, so teeth get only a part of its tint.
        tint = 1 + 0.35 * (colour / max(float(colour.mean()), 1.0) - 1)
        return brightness, np.round(tint, 2).astype(np.float32)

    def _blend_interior(self, skin: np.ndarray, *, top: np.ndarray, bottom: np.ndarray, hiss: float) -> None:
        gap = bottom - top
        inside = np.minimum(self._v - top, bottom - self._v)
        rows, columns = np.nonzero(inside > -self._edge_width)
        if not len(rows):
            return
        part = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        gap, inside, v = gap[part], inside[part], self._v[part]
        edge = np.float32(self._edge_width)
        cover = np.clip(inside / edge + np.float32(0.5), 0, 1) * np.clip(gap / (2 * edge), 0, 1)
        shadow = np.float32(0.66) + np.float32(0.34) * np.clip((v - top[part]) / self._shadow_width, 0, 1)
        from_below = (bottom[part] - v) / np.maximum(gap, 1)
        tongue = smooth_step(from_below, 0.6, 0.15) * smooth_step(np.abs(self._t[part]), 0.9, 0.3) * np.float32(0.75)
        colour = self._cavity[part] + tongue[..., None] * (self._tongue_colour - self._cavity[part])
        teeth = self._teeth[part] * np.clip(gap / (np.float32(0.1) * np.float32(self._width)), 0, 1)
        teeth = np.clip(teeth * np.float32(0.85 + 0.15 * hiss), 0, 1)[..., None]
        colour = (colour + teeth * (self._teeth_colour[part] - colour)) * shadow[..., None]
        colour = colour + self._shown[part] * (self._shown_colour[part] - colour)
        patch = skin[part].astype(np.float32)
        skin[part] = np.clip(patch + cover[..., None] * (colour - patch) + np.float32(0.5), 0, 255).astype(np.uint8)
