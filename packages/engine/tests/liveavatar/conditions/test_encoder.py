from __future__ import annotations

import cv2
import numpy as np
from recording_control import render


def test_prompt_and_portrait_are_encoded_once_for_all_segments_of_a_job(engine, request_for, monkeypatch):
    encoded = []
    text, vae = engine._models.text, engine._models.vae
    encode, open_encoder = text.encode, vae.open_encoder
    monkeypatch.setattr(text, "encode", lambda prompt: encoded.append("prompt") or encode(prompt))
    monkeypatch.setattr(vae, "open_encoder", lambda: encoded.append("portrait") or open_encoder())
    for seed in (1, 2, 3):
        render(engine, request_for(1, prompt="said once", width=128, seed=seed))
    assert sorted(encoded) == ["portrait", "prompt"]
    render(engine, request_for(1, prompt="another", width=128))
    assert sorted(encoded) == ["portrait", "prompt", "prompt"]


def test_another_picture_under_the_same_path_or_another_size_is_encoded_again(engine, request_for, inputs):
    first = render(engine, request_for(1, width=192)).frames
    larger = render(engine, request_for(1)).frames
    assert first.shape != larger.shape
    picture = cv2.imread(str(inputs.portrait))
    cv2.imwrite(str(inputs.portrait), picture[::-1])
    other = render(engine, request_for(1, width=192)).frames
    cv2.imwrite(str(inputs.portrait), picture)
    assert not np.array_equal(other, first)
    assert np.array_equal(render(engine, request_for(1, width=192)).frames, first)


def test_what_was_assumed_is_reported(engine, request_for):
    control = render(engine, request_for(1, prompt="x" * 100))
    assert "69 tokens too long" in control.warnings["prompt-cut"]
    assert "No face" in control.warnings["face-not-found"]
