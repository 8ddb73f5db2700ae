from __future__ import annotations

import numpy as np
from recording_control import render


def test_random_weights_are_marked_on_every_frame_and_in_a_warning(engine, request_for):
    control = render(engine, request_for(12, height=128, width=128))
    assert "random weights" in control.warnings["random-weights"]
    band = control.frames[:, -16:]
    assert (band.max(axis=(1, 2, 3)) > 200).all()  # white letters
    assert np.median(band) < 64  # on a darkened band
