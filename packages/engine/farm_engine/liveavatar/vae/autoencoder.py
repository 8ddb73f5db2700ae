"""Encode and decode video in a stream, latent frame by latent frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from farm_engine.liveavatar.vae.config import FRAMES_PER_LATENT, LATENT_MEAN, LATENT_STANDARD_DEVIATION, VaeConfig
from farm_engine.liveavatar.vae.history import History
from farm_engine.liveavatar.vae.layers import CausalConv3d
from farm_engine.liveavatar.vae.network import Decoder, Encoder


class VideoAutoencoder(nn.Module):
    """The Wan 2.1 autoencoder: 4 frames of 8x8 pixels to one latent of 16 channels; the first frame alone.

    Parameter names are those of the published `Wan2.1_VAE.pth`. Streams are independent: open as many as you like.
    """

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.conv1 = CausalConv3d(2 * config.latent_channels, 2 * config.latent_channels, 1)
        self.conv2 = CausalConv3d(config.latent_channels, config.latent_channels, 1)
        self.decoder = Decoder(config)

    def open_encoder(self) -> EncoderStream:
        return EncoderStream(self)

    def open_decoder(self) -> DecoderStream:
        return DecoderStream(self)

    def encode(self, frames: Tensor) -> Tensor:
        """A whole video [3, 1 + 4n, H, W] in -1..1, n from 1 up, to normalized latents [16, 1 + n, H/8, W/8]."""
        stream = self.open_encoder()
        parts = [frames[:, :1], *frames[:, 1:].split(FRAMES_PER_LATENT, dim=1)]
        return torch.cat([stream.encode(part) for part in parts], dim=1)

    def decode(self, latents: Tensor) -> Tensor:
        """Normalized latents [16, 1 + n, h, w] to a whole video [3, 1 + 4n, 8h, 8w] in -1..1."""
        stream = self.open_decoder()
        return torch.cat([stream.decode(latent) for latent in latents.split(1, dim=1)], dim=1)

    def parameter_placement(self) -> dict:
        """Device and dtype to give inputs, as keyword arguments of `Tensor.to`."""
        return {"device": self.conv2.weight.device, "dtype": self.conv2.weight.dtype}

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latents, float32, [1, 16, 1, 1, 1]."""
        device = self.conv2.weight.device
        shape = (1, -1, 1, 1, 1)
        return (
            torch.tensor(LATENT_MEAN, device=device).view(shape),
            torch.tensor(LATENT_STANDARD_DEVIATION, device=device).view(shape),
        )


class EncoderStream:
    """Encodes one video. The first call gets 1 + 4n frames, every later one 4n."""

    def __init__(self, vae: VideoAutoencoder) -> None:
        self._vae = vae
        self._history = History()
        self._mean, self._deviation = vae.statistics()
        self._started = False

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """Frames [3, T, H, W] in -1..1 to normalized latents [16, T', H/8, W/8] in float32.

        Raises ValueError when T is not 1 + 4n on the first call or 4n on a later one.
        """
        expected = 0 if self._started else 1
        if frames.shape[1] % FRAMES_PER_LATENT != expected or frames.shape[1] == 0:
            form = "4n" if self._started else "1 + 4n"
            raise ValueError(f"this call encodes {form} frames, but {frames.shape[1]} were given")
        self._started = True
        moments = self._vae.encoder(frames.to(**self._vae.parameter_placement()).unsqueeze(0), self._history)
        mean_latents = self._vae.conv1(moments, self._history).chunk(2, dim=1)[0]
        return ((mean_latents.float() - self._mean) * (1.0 / self._deviation)).squeeze(0)


class DecoderStream:
    """Decodes one video. The first latent of the stream gives one frame, every other one four."""

    def __init__(self, vae: VideoAutoencoder) -> None:
        self._vae = vae
        self._history = History()
        # Created once: a copy from host memory in every call would make the host wait for the device.
        self._mean, self._deviation = vae.statistics()

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Normalized latents [16, T', h, w] to frames [3, T, 8h, 8w] in -1..1, float32."""
        return self.decode_unclamped(latents).clamp(-1, 1)

    @torch.no_grad()
    def decode_unclamped(self, latents: Tensor) -> Tensor:
        """The same, as the network gives them: a little beyond -1..1, or infinite where it overflows."""
        latents = latents.to(device=self._mean.device, dtype=torch.float32).unsqueeze(0)
        latents = latents / (1.0 / self._deviation) + self._mean
        latents = self._vae.conv2(latents.to(**self._vae.parameter_placement()), self._history)
        return self._vae.decoder(latents, self._history).float().squeeze(0)

    def byte_count(self) -> int:
        """Bytes of past frames that the stream holds between two calls."""
        return self._history.byte_count()
