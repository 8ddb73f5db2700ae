"""When blocks are rendered and written, and what is left when a render fails."""

from __future__ import annotations

import gc

import pytest
import torch
from recording_control import RecordingControl, render
from watched_blocks import watch_blocks

from farm_engine.liveavatar.serving.chain import Chain
from farm_engine.liveavatar.transformer.config import FRAMES_PER_BLOCK
from farm_engine.protocol import EngineError, Interrupted


def test_blocks_are_written_while_the_clip_is_still_rendering(engine, request_for, monkeypatch):
    order: list[str] = []
    watch_blocks(monkeypatch, before=lambda number: order.append("denoise"))
    render(engine, request_for(48), RecordingControl(on_frames=lambda count: order.append(f"frames {count}")))
    starts = [place for place, step in enumerate(order) if step == "denoise"]
    arrivals = [order.index(f"frames {FRAMES_PER_BLOCK * (block + 1)}") for block in range(4)]
    assert all(start < arrival for start, arrival in zip(starts, arrivals, strict=True))
    # Block 0 has arrived before block 2 begins: at most one block waits to be written.
    assert all(arrival < start for arrival, start in zip(arrivals, starts[2:], strict=False))


def test_what_is_kept_does_not_grow_with_the_number_of_clips(engine, request_for, monkeypatch):
    kept: list[int] = []
    render_clip = Chain.render_clip
    monkeypatch.setattr(
        Chain, "render_clip", lambda *arguments: kept.append(live_tensor_bytes()) or render_clip(*arguments)
    )
    render(engine, request_for(48 * 6, segment_frames=48 * 6, speech=request_for(1).speech))
    assert len(kept) == 6
    frames, latents = FRAMES_PER_BLOCK * 64 * 64 * 3, 4 * 16 * 3 * 8 * 8
    # One block is written and one waits: their frames, their latents, and what entered the steps on the way to these.
    on_their_way = 2 * (frames + 6 * latents)
    assert abs(kept[5] - kept[2]) <= on_their_way


def live_tensor_bytes() -> int:
    gc.collect()
    tensors = (found for found in gc.get_objects() if type(found) in (torch.Tensor, torch.nn.Parameter))
    return sum(found.nbytes for found in tensors if found.layout == torch.strided)


def test_blocks_without_requested_frames_are_not_rendered(engine, request_for, monkeypatch):
    blocks = []
    watch_blocks(monkeypatch, before=blocks.append)
    render(engine, request_for(48, 13))
    assert blocks == [1, 2, 3, 4, 5, 6]


def test_an_interrupt_abandons_the_block_and_the_engine_continues(engine, request_for):
    control = RecordingControl()
    control._on_frames = lambda count: setattr(control, "stop", Interrupted()) if count == 24 else None
    with pytest.raises(Interrupted):
        render(engine, request_for(48), control)
    assert len(control.frames) == 24
    assert len(render(engine, request_for(48)).frames) == 48


def test_an_encoder_that_fails_ends_the_render_and_gets_no_later_frames(engine, request_for):
    control = RecordingControl(on_frames=lambda count: encoder_gone() if count == 24 else None)
    with pytest.raises(EngineError, match="the encoder is gone"):
        render(engine, request_for(48 * 3), control)
    assert len(control.frames) == 24


def encoder_gone() -> None:
    raise EngineError("encoder-gone", "the encoder is gone", retriable="this-worker")


def test_what_was_decoded_is_written_when_the_next_block_fails(engine, request_for, monkeypatch):
    def fail(number: int) -> None:
        if number == 5:
            raise torch.OutOfMemoryError("CUDA out of memory")

    watch_blocks(monkeypatch, before=fail)
    control = RecordingControl()
    with pytest.raises(EngineError, match="out of memory"):
        render(engine, request_for(48, 48), control)
    assert len(control.frames) == 48
