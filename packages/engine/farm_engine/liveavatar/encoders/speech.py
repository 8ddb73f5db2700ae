"""The speech's features: all hidden states of wav2vec2, through transformers, brought to the video's frame rate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from transformers import Wav2Vec2Config, Wav2Vec2Model

SAMPLES_PER_SECOND = 16_000
SAMPLES_PER_FEATURE = 320
_SAMPLES_SEEN_BY_FEATURE = 400
_FEATURES_PER_FRAME = 2

# A window is at most 30 s. Speech up to that length is encoded in one piece, as the original encodes every length.
CORE_FEATURES = 1000
MARGIN_FEATURES = 250

# RMS, of full scale: -45 dBFS, below quiet speech. A quieter window is normalized as if it had this level, so a long
# pause is not raised to the level of speech: room noise at -60 dBFS stays 15 dB below it.
LEAST_NORMALIZED_LEVEL = 10 ** (-45 / 20)

WAV2VEC2_LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "conv_dim": [512] * 7,
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
}
TINY = {
    "hidden_size": 64,
    "num_hidden_layers": 24,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "conv_dim": [32] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def build_speech_model(config: dict) -> Wav2Vec2Model:
    """An encoder with uninitialized weights, ready for inference. `config` is the published `config.json`."""
    # Training only: random, and with a parameter that is made in memory even under torch.device("meta").
    quiet = {"layerdrop": 0.0, "apply_spec_augment": False, "mask_time_prob": 0.0, "mask_feature_prob": 0.0}
    model = Wav2Vec2Model(Wav2Vec2Config.from_dict({**config, **quiet}))
    return model.eval().requires_grad_(False)


def published_config(sizes: dict) -> dict:
    """A `config.json` like that of wav2vec2-large-xlsr-53-english, with other sizes."""
    return {
        "architectures": ["Wav2Vec2ForCTC"],
        "model_type": "wav2vec2",
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
        "conv_bias": True,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "num_feat_extract_layers": 7,
        "vocab_size": 33,
        **sizes,
    }


_PREFIX = "wav2vec2."
# Present in the published file, used in training or for transcripts only.
UNUSED_PARAMETERS = ("lm_head.weight", "lm_head.bias", "wav2vec2.masked_spec_embed")
_WEIGHT_NORM = {
    "conv.parametrizations.weight.original0": "conv.weight_g",
    "conv.parametrizations.weight.original1": "conv.weight_v",
}


def parameter_names(model: Wav2Vec2Model) -> dict[str, str]:
    """From the names in the published `model.safetensors` to those of `model`.

    The weight-normalized convolution's names differ between versions of PyTorch; both spellings are in the mapping.
    """
    names = {}
    for name, _ in model.named_parameters():
        names[_PREFIX + name] = name
        for new, old in _WEIGHT_NORM.items():
            if name.endswith(new):
                names[_PREFIX + name.removesuffix(new) + old] = name
    return names


def feature_count(sample_count: int) -> int:
    """How many features, 50 per second, the network makes from `sample_count` samples at 16 kHz."""
    return max(0, (sample_count - _SAMPLES_SEEN_BY_FEATURE) // SAMPLES_PER_FEATURE + 1)


def normalized(samples: Tensor) -> Tensor:
    """Zero mean and unit variance, as the published preprocessor (`do_normalize`) makes them, down to -45 dBFS.

    `samples`: float32 in -1..1, at least one.
    """
    variance = samples.var(correction=0).clamp(min=LEAST_NORMALIZED_LEVEL**2)
    return (samples - samples.mean()) / torch.sqrt(variance + 1e-7)


class SpeechFeatures:
    """Features of one segment's speech, computed window by window as they are asked for.

    The network attends over a whole window: an hour in one piece would be 180,000 positions. Every window normalizes
    its own samples, so features depend on nothing outside the window. Windows start at fixed distances from
    the segment's first sample, so they do not depend on which frames are asked for first.
    """

    def __init__(self, model: Wav2Vec2Model, samples: np.ndarray, *, margin_before: int, sample_count: int) -> None:
        """`samples`: mono, 16 kHz, float32 in -1..1: a margin, then the segment's `sample_count`, then a margin.

        A margin is shorter, or absent, where the recording begins or ends.
        """
        self._model = model
        self._samples = samples
        self._margin_before = margin_before
        self._is_whole_recording = margin_before == 0 and sample_count == len(samples)
        # The margin after the segment is heard too: by a last frame that is cut off, and by the frames that are
        # denoised together with the last one.
        self._count = feature_count(len(samples) - margin_before)
        self._window = lru_cache(maxsize=2)(self._encode_window)

    def frames(self, first: int, count: int) -> Tensor:
        """Features [hidden states, width, count] of the video frames from `first`, counted from the segment's start.

        Frames after the segment have those of the margin, and zeros where the samples end.
        """
        numbers = np.arange(first, first + count)
        heard = numbers[_FEATURES_PER_FRAME * numbers < self._count]
        width, layers = self._model.config.hidden_size, self._model.config.num_hidden_layers + 1
        result = torch.zeros(layers, width, count, device=self._model.device)
        if len(heard):
            result[:, :, : len(heard)] = self._interpolate(self._positions(heard)).transpose(1, 2)
        return result

    def _positions(self, frames: np.ndarray) -> np.ndarray:
        """Where each frame is in the features at 50 per second; fractions are between two of them.

        A whole recording is resampled as in the original: linear interpolation from 50 to 30 per second with fixed
        ends, then the nearest of those to each frame. That moves a frame by up to 60 ms, depending on its number and
        on the recording's length; a segment's frames must depend on neither, wherever the recording is cut.
        """
        if not self._is_whole_recording:
            return _FEATURES_PER_FRAME * frames
        count_at_30 = int(self._count / 50.0 * 30)
        stretch = (self._count - 1) / max(1, count_at_30 - 1)
        # The original gives zeros to a last frame that the interpolation just misses, although its sound is there.
        return np.minimum((12 * frames + 5) // 10 * stretch, self._count - 1)

    def _interpolate(self, positions: np.ndarray) -> Tensor:
        """Features [hidden states, n, width], float32, at fractional positions in the features at 50 per second."""
        lower = np.floor(positions).astype(int)
        upper = np.minimum(lower + 1, self._count - 1)
        weight = torch.from_numpy((positions - lower).astype(np.float32)).to(self._model.device)[:, None]
        return self._gather(lower) * (1 - weight) + self._gather(upper) * weight

    def _gather(self, indices: np.ndarray) -> Tensor:
        cores = self._cores()
        owners = np.minimum(indices // CORE_FEATURES, cores - 1)
        parts = [
            self._window(int(core))[:, torch.from_numpy(indices[owners == core] - core * CORE_FEATURES)]
            for core in np.unique(owners)
        ]
        return torch.cat(parts, dim=1).float()

    def _cores(self) -> int:
        if self._count <= CORE_FEATURES + 2 * MARGIN_FEATURES:
            return 1
        return -(-self._count // CORE_FEATURES)

    @torch.no_grad()
    def _encode_window(self, core: int) -> Tensor:
        """Hidden states [layers + 1, n, width] of one core, computed with margins on both sides."""
        first = core * CORE_FEATURES
        last = self._count if core == self._cores() - 1 else first + CORE_FEATURES
        margin_before = min(first + self._margin_before // SAMPLES_PER_FEATURE, MARGIN_FEATURES)
        start = self._margin_before + (first - margin_before) * SAMPLES_PER_FEATURE
        end = self._margin_before + (last + MARGIN_FEATURES) * SAMPLES_PER_FEATURE
        samples = torch.from_numpy(self._samples[start:end]).to(self._model.device)
        output = self._model(normalized(samples).to(self._model.dtype)[None], output_hidden_states=True)
        # The last state with the final norm: transformers 4, on which the original runs, lists it so; 5 lists it bare.
        states = (*output.hidden_states[:-1], output.last_hidden_state)
        return torch.cat(states)[:, margin_before : margin_before + last - first]
