"""Loading the two small networks that find a face (see networks/README.md)."""

from __future__ import annotations

from functools import cache
from importlib import resources

import cv2
import numpy as np

DETECTOR_FILE, MESH_FILE = "face_detection_short_range.tflite", "face_landmark.tflite"


@cache
def network(name: str) -> cv2.dnn.Net:
    """The network of one file, loaded once per process."""
    data = resources.files(__package__).joinpath("networks", name).read_bytes()
    return cv2.dnn.readNetFromTFLite(np.frombuffer(data, np.uint8))


def load_networks() -> None:
    """Load both networks now, so that the first portrait does not wait for them."""
    for name in (DETECTOR_FILE, MESH_FILE):
        network(name)
