"""The chain kept in memory continues its own segment, and nothing else."""

from __future__ import annotations

import dataclasses
import wave

import pytest
from png_file import lopsided_picture, write_png
from recording_control import render


class OpenedChain(Exception):
    """A new chain was opened."""


def test_whatever_differs_in_a_request_begins_a_new_chain(engine, request_for, inputs, monkeypatch):
    render(engine, request_for(48))
    kept = engine._kept
    assert kept is not None

    def open_chain(*_):
        raise OpenedChain

    monkeypatch.setattr(engine, "_open_chain", open_chain)
    following = request_for(48, first_frame=48)
    for name, request in requests_that_differ(following, inputs.folder).items():
        engine._kept = kept
        with pytest.raises(OpenedChain):
            render(engine, request)
            pytest.fail(f"another {name} continued the chain")


def requests_that_differ(request, folder) -> dict:
    speech, settings = request.speech, request.settings
    write_png(folder / "other.png", lopsided_picture(width=100, height=90))
    with wave.open(str(speech.path), "rb") as file:
        parameters, samples = file.getparams(), bytearray(file.readframes(file.getnframes()))
    samples[-1] ^= 1
    with wave.open(str(folder / "other.wav"), "wb") as file:
        file.setparams(parameters)
        file.writeframes(bytes(samples))
    piece = dataclasses.replace(request.pieces[0], first_frame=36)
    changes = {
        "portrait": {"portrait_path": folder / "other.png"},
        "speech": {"speech": dataclasses.replace(speech, path=folder / "other.wav")},
        "margin": {"speech": dataclasses.replace(speech, margin_before=640)},
        "sample count": {"speech": dataclasses.replace(speech, sample_count=speech.sample_count - 640)},
        "prompt": {"prompt": "somebody else"},
        "width": {"width": 128},
        "height": {"height": 128},
        "seed": {"seed": request.seed + 1},
        "number of steps": {"settings": dataclasses.replace(settings, steps=3)},
        "first frame": {"pieces": (piece,)},
    }
    return {name: dataclasses.replace(request, **change) for name, change in changes.items()}
