"""NaN and infinity: found on the device, refused by name before they become pictures."""

from __future__ import annotations

from torch import Tensor

from farm_engine.protocol.errors import EngineError


def is_finite(tensor: Tensor) -> Tensor:
    """A bool without dimensions on the tensor's device: no NaN and no infinity in it. Waits for nothing on a GPU."""
    return tensor.isfinite().all()


_ADVICE = (
    "Look for damaged weight files with `farm weights check`; if they are whole and another worker renders this, "
    "test this worker's GPU (Xid messages in `dmesg`)."
)


class FramesNotFiniteError(EngineError):
    """What a block computed to is no picture. None of its frames was written."""

    def __init__(self, *, stage: str, first_frame: int, frame_count: int) -> None:
        super().__init__(
            "frames-not-finite",
            f"The {stage} of frames {first_frame} to {first_frame + frame_count - 1} contain NaN or infinity, so there "
            f"is no picture to write. {_ADVICE}",
            retriable="another-worker",
            details={"stage": stage, "firstFrame": first_frame, "frameCount": frame_count},
        )


class ConditionsNotFiniteError(EngineError):
    """What a video is made from was encoded to something that no video can be made from."""

    def __init__(self, condition: str) -> None:
        super().__init__(
            "conditions-not-finite",
            f"Encoding the {condition} gave NaN or infinity, so there is nothing to make pictures from. {_ADVICE}",
            retriable="another-worker",
            details={"condition": condition},
        )
