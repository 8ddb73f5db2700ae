"""Reading a segment's speech file."""

from __future__ import annotations

import io
import wave

import numpy as np

from farm_engine.protocol.errors import EngineError
from farm_engine.protocol.input_file import read_input
from farm_engine.protocol.request import Speech

SAMPLE_RATE = 16_000


def read_speech(speech: Speech) -> np.ndarray:
    """Samples of the file, margins included: int16 `[count]` at 16 kHz. Raises EngineError `bad-speech`,
    `input-unreadable` or `out-of-host-memory`."""
    data = read_input(speech.path, "speech file", lambda reason: _bad_speech(speech, reason))
    try:
        with wave.open(io.BytesIO(data), "rb") as file:
            layout = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") if layout[1] == 2 else None
    except (EOFError, wave.Error, ValueError, RuntimeError) as error:  # the last two for chunks that are cut off
        raise _bad_speech(speech, f"it could not be read as a WAV file: {error}") from error
    if layout != (1, 2, SAMPLE_RATE) or samples is None:
        channels, sample_width, rate = layout
        raise _bad_speech(speech, f"it has {channels} channel(s) of {8 * sample_width} bits at {rate} Hz")
    if len(samples) < speech.margin_before + speech.sample_count:
        announced = f"{speech.margin_before} of margin and {speech.sample_count} of speech"
        raise _bad_speech(speech, f"it has {len(samples)} samples, but {announced} were announced")
    return samples


def _bad_speech(speech: Speech, what: str) -> EngineError:
    return EngineError(
        "bad-speech",
        f"Speech file {speech.path}: {what}. Expected mono 16-bit PCM at {SAMPLE_RATE} Hz, as `prepare` cuts it.",
        retriable="never",
    )
