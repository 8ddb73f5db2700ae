from __future__ import annotations

import pytest
import torch

from farm_engine.liveavatar.vae.autoencoder import VideoAutoencoder
from farm_engine.liveavatar.vae.config import WAN_21

TOLERANCE = 1e-5


@pytest.fixture
def video(golden):
    return golden["vae"]["video"].float() / 127.5 - 1


def test_encoding_equals_the_published_implementation(vae, golden, video, relative_error):
    assert relative_error(vae.encode(video), golden["vae"]["encoded"]) < TOLERANCE


def test_decoding_equals_the_published_implementation(vae, golden, relative_error):
    assert relative_error(vae.decode(golden["vae"]["latents"]), golden["vae"]["decoded"]) < TOLERANCE


@pytest.mark.parametrize(
    "name",
    [
        "encoder.conv1.weight",
        "encoder.downsamples.5.time_conv.bias",
        "encoder.middle.1.to_qkv.weight",
        "encoder.head.0.gamma",
        "conv1.bias",
    ],
)
def test_one_changed_weight_of_the_encoder_is_noticed(vae, golden, video, relative_error, name):
    vae.get_parameter(name).view(-1)[0] += 0.05
    assert relative_error(vae.encode(video), golden["vae"]["encoded"]) > TOLERANCE


@pytest.mark.parametrize(
    "name",
    ["conv2.weight", "decoder.middle.1.proj.weight", "decoder.upsamples.3.time_conv.weight", "decoder.head.2.bias"],
)
def test_one_changed_weight_of_the_decoder_is_noticed(vae, golden, relative_error, name):
    vae.get_parameter(name).view(-1)[0] += 0.05
    assert relative_error(vae.decode(golden["vae"]["latents"]), golden["vae"]["decoded"]) > TOLERANCE


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1, 1), (6,), (3, 3), (1, 2, 3)])
def test_streamed_decoding_equals_decoding_in_one_call(vae, relative_error, sizes):
    latents = torch.randn(16, 6, 4, 6, generator=torch.Generator().manual_seed(3))
    stream = vae.open_decoder()
    streamed = torch.cat([stream.decode(part) for part in latents.split(sizes, dim=1)], dim=1)
    assert streamed.shape == (3, 21, 32, 48)
    assert relative_error(streamed, vae.decode(latents)) < TOLERANCE


@pytest.mark.parametrize("sizes", [(1, 4, 4, 4), (13,), (5, 8)])
def test_streamed_encoding_equals_encoding_in_one_call(vae, relative_error, sizes):
    video = torch.rand(3, 13, 32, 48, generator=torch.Generator().manual_seed(4)) * 2 - 1
    stream = vae.open_encoder()
    streamed = torch.cat([stream.encode(part) for part in video.split(sizes, dim=1)], dim=1)
    assert relative_error(streamed, vae.encode(video)) < TOLERANCE


def test_two_streams_do_not_disturb_each_other(vae):
    latents = torch.randn(2, 16, 3, 4, 4, generator=torch.Generator().manual_seed(5))
    streams = [vae.open_decoder(), vae.open_decoder()]
    rounds = [[stream.decode(latents[i, :, t : t + 1]) for i, stream in enumerate(streams)] for t in range(3)]
    for i, own in enumerate(latents):
        assert torch.equal(torch.cat([frames[i] for frames in rounds], dim=1), vae.decode(own))


@pytest.mark.parametrize("latents_back, reaches", [(38, True), (39, False)])
def test_how_far_back_a_frame_depends_on_latents(vae, latents_back, reaches):
    latents = torch.randn(16, 42, 2, 2)
    latents[:, 41 - latents_back] = torch.nan
    stream = vae.open_decoder()
    *_, last = (stream.decode(latent) for latent in latents.split(1, dim=1))
    assert last.isnan().any() == reaches


def test_a_stream_holds_no_more_after_many_latents(vae):
    stream = vae.open_decoder()
    held = []
    for index in range(8):
        stream.decode(torch.full((16, 1, 4, 4), 0.1 * index))
        held.append(stream.byte_count())
    assert held[2] == held[-1] > 0


def test_an_impossible_frame_count_is_refused(vae):
    stream = vae.open_encoder()
    with pytest.raises(ValueError, match="1 \\+ 4n frames, but 4 were given"):
        stream.encode(torch.zeros(3, 4, 32, 32))
    stream.encode(torch.zeros(3, 1, 32, 32))
    with pytest.raises(ValueError, match="4n frames, but 1 were given"):
        stream.encode(torch.zeros(3, 1, 32, 32))


def test_the_published_size_has_the_published_parameter_count():
    with torch.device("meta"):
        vae = VideoAutoencoder(WAN_21)
    assert sum(parameter.numel() for parameter in vae.parameters()) == 126_892_531
