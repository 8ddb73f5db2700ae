"""Whether the lips of the mesh are those of the picture; where they are not, the mouth that it shows instead."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from farm_engine.draft.drawn_mouth import drawn_mouth, is_ink_line, with_mouth
from farm_engine.draft.face_view import SIDE, FaceView, view_face
from farm_engine.draft.open_mouth import with_wider_mouth
from farm_engine.portrait.face import Face

DARK_LIP = 0.32
"""Lips darker than this part of the skin's lightness are in a drawn cavity or on a drawn line. Those in photographs
are not, in deep shade neither (0.38)."""


def with_fitting_mouth(picture: np.ndarray, face: Face) -> Face:
    """The face with the mouth that the picture (RGB) shows; not `certain` where neither the mesh's lips nor anything
    else fits it."""
    view = view_face(picture, face)
    outline = drawn_mouth(view, face)
    if not view.is_flat and not (outline and is_ink_line(view, outline)):
        wider = with_wider_mouth(picture, face)
        if wider is not face or not _lips_are_ink(view, face):
            return wider
    return with_mouth(view, face, outline) if outline else replace(face, certain=False, drawn="unclear")


def _lips_are_ink(view: FaceView, face: Face) -> bool:
    """Whether one of the mesh's lips has the darkness of ink."""
    upper = _lip_lightness(view, face.upper_lip_outer, face.upper_lip_inner)
    lower = _lip_lightness(view, face.lower_lip_outer, face.lower_lip_inner)
    return min(upper, lower) < DARK_LIP * view.skin_lightness


def _lip_lightness(view: FaceView, outer: np.ndarray, inner: np.ndarray) -> float:
    """Median over the middle of a lip."""
    lip = np.zeros((SIDE, SIDE), np.uint8)
    outline = view.seen(np.concatenate([outer[2:-2], inner[-3:1:-1]]))
    cv2.fillPoly(lip, [np.round(outline).astype(np.int32)], 1)
    return float(np.median(view.lightness[lip > 0]))
