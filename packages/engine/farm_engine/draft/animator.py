"""One portrait, ready to be animated: mouth, lids and head put together, frame by frame."""

from __future__ import annotations

import numpy as np

from farm_engine.draft.drawn_opening import DrawnOpening
from farm_engine.draft.eyelids import Eyelid
from farm_engine.draft.head import Head
from farm_engine.draft.motion import Motion
from farm_engine.draft.mouth import Mouth
from farm_engine.draft.soft_mouth import SoftMouth
from farm_engine.draft.voice import VoiceCurves
from farm_engine.portrait.face import Face


class Animator:
    def __init__(self, frame: np.ndarray, face: Face) -> None:
        """`frame` is the framed portrait, uint8 `[height, width, 3]` RGB; `face` is in its pixels."""
        self._frame = frame
        self._mouth = _mouth_of(frame, face)
        self._lids = [Eyelid(frame, eye, face.oval) for eye in face.eyes]
        self._head = Head(frame.shape[:2], face)

    def draw(self, index: int, voice: VoiceCurves, motion: Motion) -> np.ndarray:
        """Frame `index` of the segment; depends on nothing drawn before."""
        picture = self._frame.copy()
        self._mouth.draw(picture, opening=float(voice.opening[index]), hiss=float(voice.hiss[index]))
        if motion.blink[index] > 0:
            for lid in self._lids:
                lid.draw(picture, closed=float(motion.blink[index]))
        return self._head.draw(picture, motion, index, lips_width=float(voice.width[index]))


def _mouth_of(frame: np.ndarray, face: Face) -> Mouth | DrawnOpening | SoftMouth:
    if not face.certain:
        return SoftMouth(frame, face)
    return DrawnOpening(frame, face) if face.drawn == "opening" else Mouth(frame, face)
