"""Finding the open mouth of a face whose mesh cannot be trusted: a dark cavity with teeth in it, below the nose."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from farm_engine.portrait.face import Face

WORKING_WIDTH = 160
"""The search happens at a scale at which the face is this many pixels wide."""
REACH_ACROSS, REACH_UP, REACH_DOWN = 0.9, 0.08, 1.5
"""How far from the nose a mouth may reach, as fractions of the face's width and height: drawings exaggerate."""
DARK = 0.30
"""A cavity is darker than this part of the face's lightness."""
UPPER_TEETH = 0.75, 0.85
"""Upper teeth are lighter than this part of the face's lightness and paler than that part of its colourfulness: they
lie in the shade of the lip, but nothing there is as pale."""
LOWER_TEETH = 1.3, 1.0
"""Lower teeth and the wet tip of the tongue are lit, the lip below them is pale too."""
LEAST_TEETH = 0.06
MOUTH_WIDTHS = (0.3, 1.6)
"""Plausible widths of the mouth as fractions of the face's."""
CURVE_POINTS = 11
NARROW, SPIKE = 0.3, 0.06
"""What stands out of an edge, narrower than the first and higher than the second of the mouth's width, is no part of
it: a nose's line."""
SAME_WIDTH, CLEARLY_HIGHER = (0.7, 1.6), 1.3
"""An opening around the mouth that the mesh has found is preferred if it is this wide, and this much higher."""


def with_open_mouth(picture: np.ndarray, face: Face) -> Face | None:
    """The face with the lips of the open mouth that the picture (RGB) shows; None where it shows none."""
    scale = WORKING_WIDTH / max(float(face.size[0]), 1.0)
    reach = face.size * np.array([REACH_ACROSS, REACH_DOWN])
    left, top = np.maximum(face.nose_tip - [reach[0], REACH_UP * face.size[1]], 0).astype(int)
    right, bottom = np.minimum(face.nose_tip + reach, picture.shape[1::-1]).astype(int)
    if right - left < 8 or bottom - top < 8:
        return None
    window = cv2.resize(picture[top:bottom, left:right], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    mouth = None
    for lower_end in (face.centre[1] + 0.3 * face.size[1], face.nose_tip[1]):
        mouth = _mouth_mask(window, *_face_colour(picture, face, lower_end)) if mouth is None else mouth
    if mouth is None:
        return None
    corners, upper, lower = _edges(mouth)
    if face.certain:
        used = slice(corners[0], corners[1] + 1)
        upper[used] = without_spikes(upper[used], up=True)
    # Drawn mouths have upright sides: most points are near the corners.
    along = (1 - np.cos(np.linspace(0, np.pi, CURVE_POINTS))) / 2
    curve_x = corners[0] + along * (corners[1] - corners[0])
    columns = np.arange(mouth.shape[1])
    upper_lip = np.column_stack([curve_x, np.interp(curve_x, columns, upper)]) / scale + [left, top]
    lower_lip = np.column_stack([curve_x, np.interp(curve_x, columns, lower)]) / scale + [left, top]
    return _face_around(face, upper_lip, lower_lip)


def with_wider_mouth(picture: np.ndarray, face: Face) -> Face:
    """The face, whose mesh is certain, with the lips of its open mouth where that is wider than a mesh can open: it was
    trained on people, and drawings laugh wider."""
    found = with_open_mouth(picture, face)
    if found is None:
        return face
    wider = found.mouth_width / max(face.mouth_width, 1.0)
    if not SAME_WIDTH[0] < wider < SAME_WIDTH[1] or _height(found) < CLEARLY_HIGHER * _height(face):
        return face
    middle = (face.upper_lip_inner + face.lower_lip_inner)[CURVE_POINTS // 2] / 2
    upper, lower = (np.interp(middle[0], *lip.T) for lip in (found.upper_lip_inner, found.lower_lip_inner))
    if not upper < middle[1] < lower:
        return face
    return replace(found, nose_base=face.nose_base, chin=face.chin, oval=face.oval)


def _height(face: Face) -> float:
    return float((face.lower_lip_inner[:, 1] - face.upper_lip_inner[:, 1]).max())


def _face_colour(picture: np.ndarray, face: Face, lower_end: float) -> tuple[float, float]:
    """Median lightness (0..255) and colourfulness of the face's middle down to a row: below may be only mouth."""
    low, high = face.centre - 0.3 * face.size, face.centre + 0.3 * face.size
    high[1] = lower_end
    left, top = np.maximum(low, 0).astype(int)
    right, bottom = np.maximum(high, np.maximum(low, 0) + 2).astype(int)
    lab = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_RGB2LAB).astype(np.float64)
    return float(np.median(lab[..., 0])), float(np.median(np.hypot(lab[..., 1] - 128, lab[..., 2] - 128)))


def _mouth_mask(window: np.ndarray, lightness: float, colourfulness: float) -> np.ndarray | None:
    """Cavity, teeth and tongue of the most likely mouth: bool `[height, width]`."""
    lab = cv2.cvtColor(window, cv2.COLOR_RGB2LAB).astype(np.float64)
    chroma = np.hypot(lab[..., 1] - 128, lab[..., 2] - 128)
    dark = lab[..., 0] < DARK * lightness
    upper_teeth, lower_teeth = (
        (lab[..., 0] > light * lightness) & (chroma < colourful * colourfulness)
        for light, colourful in (UPPER_TEETH, LOWER_TEETH)
    )
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=8)
    for component in sorted(range(1, count), key=lambda index: -boxes[index, cv2.CC_STAT_AREA]):
        x, y, width, height, _ = boxes[component]
        touches = x == 0 or y == 0 or x + width == window.shape[1] or y + height == window.shape[0]
        if touches or not MOUTH_WIDTHS[0] * WORKING_WIDTH < width < MOUTH_WIDTHS[1] * WORKING_WIDTH:
            continue
        middle = y + height // 2
        teeth = np.concatenate([upper_teeth[:middle], lower_teeth[middle:]])
        near = np.zeros(dark.shape, bool)
        near[max(y - width // 3, 0) : y + height + width // 3, x : x + width] = True
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width // 4 | 1, width // 4 | 1))
        joined = ((labels == component) | (teeth & near)).astype(np.uint8)
        padded = cv2.copyMakeBorder(joined, width, width, width, width, cv2.BORDER_CONSTANT)
        closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[width:-width, width:-width]
        _, parts = cv2.connectedComponents(closed, connectivity=8)
        mouth = (parts == np.bincount(parts[labels == component]).argmax()) & near
        if (teeth & mouth).sum() > LEAST_TEETH * mouth.sum():
            return mouth
    return None


def _edges(mouth: np.ndarray) -> tuple[tuple[float, float], np.ndarray, np.ndarray]:
    """Corners (columns) and, for every column, the row of the upper and the lower edge."""
    used = np.flatnonzero(mouth.any(axis=0))
    upper, lower = mouth[:, used].argmax(axis=0), mouth.shape[0] - mouth[::-1, used].argmax(axis=0)
    # At the corners both lips meet.
    for end in (0, -1):
        upper[end] = lower[end] = (upper[end] + lower[end]) // 2
    columns = np.arange(mouth.shape[1])
    # A lower lip hangs: the hull passes below a tongue that the mask has missed.
    hanging = cv2.convexHull(np.column_stack([used, lower]).astype(np.int32)).reshape(-1, 2)
    hull = np.full(len(columns), -1.0)
    for start, end in zip(hanging, np.roll(hanging, -1, axis=0), strict=True):
        left, right = sorted((start, end), key=lambda point: point[0])
        span = slice(left[0], right[0] + 1)
        hull[span] = np.maximum(hull[span], np.interp(columns[span], [left[0], right[0]], [left[1], right[1]]))
    return (used[0], used[-1]), np.interp(columns, used, upper), hull


def without_spikes(edge: np.ndarray, *, up: bool = False) -> np.ndarray:
    """The rows of an edge without what stands out of it narrowly: down, or `up`."""
    size = max(round(NARROW * len(edge)), 1) | 1
    sign = -1 if up else 1
    windows = np.lib.stride_tricks.sliding_window_view
    padded = np.pad(sign * edge, size // 2, mode="edge")
    eroded = np.pad(windows(padded, size).min(axis=1), size // 2, mode="edge")
    opened = sign * windows(eroded, size).max(axis=1)
    return np.where(np.abs(edge - opened) > SPIKE * len(edge), opened, edge)


def _face_around(face: Face, upper_lip: np.ndarray, lower_lip: np.ndarray) -> Face:
    """The face with these inner lips, and with nose and chin at a sensible distance from them."""
    width = float(np.hypot(*(upper_lip[-1] - upper_lip[0])))
    middle = CURVE_POINTS // 2
    bow = np.sin(np.linspace(0, np.pi, CURVE_POINTS))[:, None] * np.array([0.0, 0.12 * width])
    chin = lower_lip[middle] + [0, 0.45 * width]
    # Half the teeth's soft edge belongs to them: without this a line of it stays between closed lips.
    edge = bow * 0.2
    upper_lip, lower_lip = upper_lip - edge, lower_lip + edge
    return replace(
        face,
        upper_lip_inner=upper_lip,
        lower_lip_inner=lower_lip,
        upper_lip_outer=upper_lip - bow,
        lower_lip_outer=lower_lip + bow,
        nose_base=np.array([upper_lip[middle, 0], min(face.nose_base[1], upper_lip[middle, 1] - 0.3 * width)]),
        chin=chin,
        oval=np.concatenate([face.oval, chin[None]]),
        certain=True,
    )
