from __future__ import annotations

import dataclasses
import gc

import numpy as np
import pytest
import torch
from recording_control import RecordingControl

from farm_engine.liveavatar.conditions.conditions import Conditions
from farm_engine.liveavatar.memory.resident import ResidentMemory
from farm_engine.liveavatar.sampling.block_sampler import BlockSampler
from farm_engine.liveavatar.sampling.settings import RolloutSettings
from farm_engine.liveavatar.serving.chain import Chain
from farm_engine.liveavatar.serving.online_decoder import OnlineDecoder
from farm_engine.liveavatar.transformer.config import FRAMES_PER_BLOCK
from farm_engine.protocol import EngineError, Interrupted


def render(engine, request, control=None) -> RecordingControl:
    control = control or RecordingControl()
    engine.render(request, control)
    return control


def forget_chain(engine) -> None:
    engine._kept = None


@pytest.fixture(autouse=True)
def nothing_kept(engine):
    forget_chain(engine)


@pytest.mark.parametrize("pieces", [(1,), (12,), (48, 7), (48, 48, 4), (30, 30)])
def test_exactly_the_frames_asked_for_are_written(engine, request_for, pieces):
    control = render(engine, request_for(*pieces))
    assert control.frames.shape == (sum(pieces), 64, 64, 3)
    assert control.frames.dtype == np.uint8


def test_frames_do_not_depend_on_how_they_are_cut_into_pieces(engine, request_for):
    together = render(engine, request_for(60)).frames
    forget_chain(engine)
    apart = render(engine, request_for(25, 35)).frames
    assert np.array_equal(together, apart)


def test_the_same_request_gives_the_same_frames_and_another_seed_gives_others(engine, request_for):
    first = render(engine, request_for(12)).frames
    assert np.array_equal(first, render(engine, request_for(12)).frames)
    assert not np.array_equal(first, render(engine, request_for(12, seed=12)).frames)


def test_frames_start_from_the_portrait_without_a_gap(engine, request_for):
    """No frame is lost at the start: the first block has its twelve, and the first differs from the last."""
    frames = render(engine, request_for(12)).frames
    assert not np.array_equal(frames[0], frames[11])


def test_blocks_leave_while_the_clip_is_still_under_way(engine, request_for, monkeypatch):
    order: list[str] = []
    denoise = BlockSampler.denoise

    def recording_denoise(self, *arguments, **options):
        order.append("denoise")
        return denoise(self, *arguments, **options)

    monkeypatch.setattr(BlockSampler, "denoise", recording_denoise)
    render(engine, request_for(48), RecordingControl(on_frames=lambda count: order.append(f"frames {count}")))
    starts = [place for place, step in enumerate(order) if step == "denoise"]
    arrivals = [order.index(f"frames {FRAMES_PER_BLOCK * (block + 1)}") for block in range(4)]
    assert all(start < arrival for start, arrival in zip(starts, arrivals, strict=True))
    # Block 0 has arrived before block 2 begins: writing is one block behind at the most.
    assert all(arrival < start for arrival, start in zip(arrivals, starts[2:], strict=False))


def test_the_allocator_gives_back_what_it_keeps_before_rings_are_made(engine, request_for, monkeypatch):
    order: list[str] = []

    def note(owner, attribute: str, word: str) -> None:
        original = getattr(owner, attribute)
        monkeypatch.setattr(owner, attribute, lambda *args, **options: order.append(word) or original(*args, **options))

    note(engine._memory, "release_cached", "release")
    note(engine._conditions, "conditions_of", "encode")
    note(ResidentMemory, "__init__", "rings")
    render(engine, request_for(1))
    assert order == ["release", "encode", "release", "rings"]


def test_what_is_kept_does_not_grow_with_the_number_of_clips(engine, request_for, monkeypatch):
    kept: list[int] = []
    render_clip = Chain.render_clip
    monkeypatch.setattr(
        Chain, "render_clip", lambda *arguments: kept.append(live_tensor_bytes()) or render_clip(*arguments)
    )
    render(engine, request_for(48 * 6, segment_frames=48 * 6, speech=request_for(1).speech))
    assert len(kept) == 6
    frames_not_yet_written = 2 * FRAMES_PER_BLOCK * 64 * 64 * 3
    assert abs(kept[5] - kept[2]) <= frames_not_yet_written


def live_tensor_bytes() -> int:
    gc.collect()
    return sum(found.nbytes for found in gc.get_objects() if type(found) in (torch.Tensor, torch.nn.Parameter))


def test_blocks_that_nobody_asked_for_are_not_rendered(engine, request_for, monkeypatch):
    blocks = []
    denoise = BlockSampler.denoise
    monkeypatch.setattr(BlockSampler, "denoise", lambda *args, **options: blocks.append(1) or denoise(*args, **options))
    render(engine, request_for(48, 13))
    assert len(blocks) == 6


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


def test_the_next_segment_part_goes_on_from_memory(engine, request_for, monkeypatch):
    whole = render(engine, request_for(48, 48)).frames
    forget_chain(engine)
    first = render(engine, request_for(48)).frames
    monkeypatch.setattr(engine, "_open_chain", None)  # going on needs no new chain
    second = render(engine, request_for(48, first_frame=48)).frames
    assert np.array_equal(np.concatenate([first, second]), whole)


def test_memory_of_another_video_is_not_continued(engine, request_for):
    render(engine, request_for(48))
    other = render(engine, request_for(12, first_frame=48, seed=99)).frames
    forget_chain(engine)
    assert np.array_equal(other, render(engine, request_for(12, first_frame=48, seed=99)).frames)


def test_a_border_state_is_named_for_each_piece_that_ends_at_a_clip(engine, request_for, tmp_path):
    states = tmp_path / "states"
    states.mkdir()
    control = render(engine, request_for(48, 30, 18, state_directory=states))
    assert [path.name for path in control.states] == ["border-48.safetensors", "border-96.safetensors"]
    assert sorted(path.name for path in states.iterdir()) == ["border-48.safetensors", "border-96.safetensors"]


def test_a_resumed_render_shows_what_the_unbroken_one_shows(engine, request_for, tmp_path):
    unbroken = render(engine, request_for(48, 48, state_directory=tmp_path)).frames[48:]
    forget_chain(engine)
    request = request_for(48, first_frame=48, resume_state_path=tmp_path / "border-48.safetensors")
    # The rings are rebuilt exactly this early, the decoder always.
    assert np.array_equal(render(engine, request).frames, unbroken)


@pytest.mark.parametrize("clips", [1, 3, 4, 5])
def test_a_saved_state_rebuilds_the_decoder_exactly(engine, clips):
    motion = torch.randn(16, 19, 8, 8)
    latents = torch.randn(16, 12 * clips + 3, 8, 8)
    conditions = Conditions(reference=motion[:, :1], motion=motion, text=torch.randn(4, 64))
    chain = Chain.start(engine._models, conditions, RolloutSettings(width=64, height=64, seed=1, steps=4))
    chain._rollout = RolloutOf(latents)
    for _ in range(clips):
        for block in chain.render_clip(torch.zeros(0), lambda: None):
            chain.decoder.decode(block)
    rebuilt = OnlineDecoder(engine._models.vae, warm_up=chain._past)
    after = latents[:, -3:]
    assert np.array_equal(chain.decoder.decode(after)(), rebuilt.decode(after)())


class RolloutOf:
    """A rollout whose blocks are known."""

    def __init__(self, latents: torch.Tensor) -> None:
        self._blocks = iter(latents.split(3, dim=1))

    def render_clip(self, *_):
        return (next(self._blocks) for _ in range(4))


def test_a_render_may_begin_within_a_clip(engine, request_for):
    whole = render(engine, request_for(60)).frames
    forget_chain(engine)
    assert np.array_equal(render(engine, request_for(20, first_frame=40)).frames, whole[40:])


@pytest.mark.parametrize("damage", ["truncated", "other size", "absent"])
def test_a_border_state_that_does_not_fit_is_refused(engine, request_for, tmp_path, damage):
    render(engine, request_for(48, state_directory=tmp_path))
    forget_chain(engine)
    path = tmp_path / "border-48.safetensors"
    request = request_for(12, first_frame=48, resume_state_path=path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "absent":
        path.unlink()
    else:
        request = dataclasses.replace(request, width=128)
    with pytest.raises(EngineError) as failure:
        render(engine, request)
    assert (failure.value.code, failure.value.retriable) == ("bad-border-state", "never")


def test_an_interrupt_abandons_the_block_and_the_engine_goes_on(engine, request_for):
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
    denoise, blocks = BlockSampler.denoise, []

    def failing_denoise(*arguments, **options):
        blocks.append(1)
        if len(blocks) == 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return denoise(*arguments, **options)

    monkeypatch.setattr(BlockSampler, "denoise", failing_denoise)
    control = RecordingControl()
    with pytest.raises(EngineError, match="out of memory"):
        render(engine, request_for(48, 48), control)
    assert len(control.frames) == 48


def test_random_weights_are_marked_on_every_frame_and_in_words(engine, request_for):
    control = render(engine, request_for(12, height=128, width=128))
    assert "random weights" in control.warnings["random-weights"]
    band = control.frames[:, -16:]
    assert (band.max(axis=(1, 2, 3)) > 200).all()  # white letters
    assert np.median(band) < 64  # on a darkened band


def test_what_was_assumed_is_said(engine, request_for):
    control = render(engine, request_for(1, prompt="x" * 100))
    assert "69 tokens too long" in control.warnings["prompt-cut"]
    assert "No face" in control.warnings["face-not-found"]


def test_the_result_names_plan_and_peak(engine, request_for):
    result = engine.render(request_for(1), RecordingControl())
    assert result.plan == "resident-float32"
    assert result.peak_bytes > 100 << 20


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"frames_per_clip": 24}, "unsupported-setting"),
        ({"precision": "fp8"}, "unsupported-setting"),
    ],
)
def test_settings_that_cannot_be_rendered_are_refused(engine, request_for, changes, code):
    request = request_for(1)
    with pytest.raises(EngineError) as failure:
        render(engine, dataclasses.replace(request, settings=dataclasses.replace(request.settings, **changes)))
    assert (failure.value.code, failure.value.retriable) == (code, "never")


@pytest.mark.parametrize("part, code", [("portrait_path", "bad-portrait"), ("speech", "bad-speech")])
@pytest.mark.parametrize("content", [b"", b"not what it claims to be" * 10])
def test_bad_inputs_are_named(engine, request_for, tmp_path, part, code, content):
    path = tmp_path / "bad"
    path.write_bytes(content)
    request = request_for(1)
    change = path if part == "portrait_path" else dataclasses.replace(request.speech, path=path)
    with pytest.raises(EngineError) as failure:
        render(engine, dataclasses.replace(request, **{part: change}))
    assert (failure.value.code, failure.value.retriable) == (code, "never")
    assert str(path) in failure.value.message


def test_after_running_out_of_memory_the_engine_renders_again(engine, request_for, monkeypatch):
    def no_memory(*arguments, **options):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 10.40 GiB.\nmore lines")

    with monkeypatch.context() as patch:
        patch.setattr(BlockSampler, "denoise", no_memory)
        with pytest.raises(EngineError) as failure:
            render(engine, request_for(12))
    assert (failure.value.code, failure.value.retriable) == ("out-of-memory", "another-worker")
    assert failure.value.details["plan"] == "resident-float32"
    assert failure.value.details["peakBytes"] > 0
    assert "10.40 GiB" in failure.value.message and "more lines" not in failure.value.message
    assert len(render(engine, request_for(12)).frames) == 12
