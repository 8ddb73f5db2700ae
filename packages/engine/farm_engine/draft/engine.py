"""The draft engine: what the engine protocol calls."""

from __future__ import annotations

import argparse
import resource
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from farm_engine import __version__
from farm_engine.draft.animator import Animator
from farm_engine.draft.motion import segment_motion
from farm_engine.draft.mouth_fit import with_fitting_mouth
from farm_engine.draft.open_mouth import with_open_mouth
from farm_engine.draft.voice import voice_curves
from farm_engine.portrait.contours import fit_eyes, fit_to_picture
from farm_engine.portrait.face import Face, face_from_mesh, guessed_face
from farm_engine.portrait.face_search import find_faces
from farm_engine.portrait.framing import Framing, frame_portrait, read_portrait
from farm_engine.portrait.network_files import load_networks
from farm_engine.protocol import RenderControl, RenderRequest, RenderResult, ReportLoading
from farm_engine.protocol.speech import read_speech

SMALL_FACE = 0.12
"""A face below this part of the frame's height is warned about."""


def create_engine(argv: list[str]) -> DraftEngine:
    """Engine from the command line's options; it has none."""
    parser = argparse.ArgumentParser(
        prog="farm_engine draft",
        description="Animates a portrait from its speech on the CPU: timing, framing, cuts and mood in seconds. "
        "It has no options; what to render comes as commands on standard input (docs/engine-protocol.md).",
    )
    parser.parse_args(argv)
    return DraftEngine()


class DraftEngine:
    """Renders on one CPU thread; frames depend on the request alone."""

    name = "draft"
    version = __version__

    def load(self, report: ReportLoading) -> dict[str, str | int]:
        # One thread, and no Intel IPP, whose kernels differ from one processor to the next as those for AVX do.
        cv2.setNumThreads(1)
        cv2.ipp.setUseIPP(False)
        load_networks()
        report("face networks", 1.0)
        return {"device": "cpu", "opencv": cv2.__version__, "numpy": np.__version__}

    def render(self, request: RenderRequest, control: RenderControl) -> RenderResult:
        samples = read_speech(request.speech)
        frame, face = prepare_portrait(
            request.portrait_path, width=request.width, height=request.height, control=control
        )
        control.check()
        voice = voice_curves(
            samples, margin_before=request.speech.margin_before, frame_count=request.segment_frame_count
        )
        motion = segment_motion(voice.emphasis, seed=request.seed)
        animator = Animator(frame, face)
        for index in range(request.first_frame, request.first_frame + request.frame_count):
            control.check()
            control.write_frames(animator.draw(index, voice, motion)[None])
        return RenderResult(peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def prepare_portrait(path: Path, *, width: int, height: int, control: RenderControl) -> tuple[np.ndarray, Face]:
    """The framed portrait, uint8 `[height, width, 3]`, and the face in it; warns about what it had to assume."""
    picture = read_portrait(path)
    face = find_face(picture, control)
    framing = frame_portrait(
        picture.shape[:2], width=width, height=height, face_centre=None if face is None else face.centre
    )
    placed = face.placed(framing.place) if face else _assumed_face(framing)
    if face and face.certain and placed.size[1] < SMALL_FACE * height:
        control.warn(
            "face-small",
            f"The face is {placed.size[1]:.0f} of {height} pixels high: its lips will hardly be seen to move. Crop the "
            "portrait closer for a better view.",
        )
    return framing.cut(picture), placed


def find_face(picture: np.ndarray, control: RenderControl) -> Face | None:
    """The face to animate, in the picture's pixels."""
    found = find_faces(picture)
    if found.certain:
        if len(found.certain) > 1:
            control.warn(
                "several-faces",
                f"{len(found.certain)} faces were found; the draft animates the largest. Crop the portrait to the "
                "speaker if that is someone else.",
            )
        face = with_fitting_mouth(picture, fit_to_picture(picture, face_from_mesh(found.certain[0][:, :2])))
        if not face.certain:
            control.warn(
                "mouth-fit-poor",
                "The mouth of this portrait could not be made out; the draft moves the lower face a little with the "
                "speech and does not open a mouth. A photograph, or a drawing whose mouth is one dark line or one dark "
                "opening with skin all around it, would be seen to speak.",
            )
        return face
    if found.doubtful is not None:
        doubtful = fit_eyes(picture, replace(face_from_mesh(found.doubtful[:, :2]), certain=False))
        if face := with_open_mouth(picture, doubtful):
            control.warn(
                "face-uncertain",
                "Something resembles a face but is not clearly one, as with some drawings and creatures; the draft "
                "took the dark opening with teeth below the nose for its mouth.",
            )
            return face
        control.warn(
            "face-uncertain",
            "Something resembles a face but is not clearly one, as with some drawings and creatures; the draft moves "
            "its lower part softly with the speech and does not open a mouth.",
        )
        return doubtful
    control.warn(
        "face-not-found",
        "No face was found in the portrait; the draft assumes one in the middle of the upper half and moves it softly "
        "with the speech. Choose a portrait with a clearly visible face to see it speak.",
    )
    return None


def _assumed_face(framing: Framing) -> Face:
    centre = np.array([framing.width / 2, 0.42 * framing.height])
    face = guessed_face(centre=centre, height=0.5 * min(framing.width, framing.height))
    return face.placed(lambda points: points)
