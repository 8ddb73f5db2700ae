"""Loading every network of the published layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Wav2Vec2Model

from farm_engine.liveavatar.checkpoints.errors import WeightsWrongError
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.loader import ReportFraction, load_weights
from farm_engine.liveavatar.checkpoints.lora import Lora
from farm_engine.liveavatar.checkpoints.sources import PickledFile, SafetensorsFile, ShardedSafetensors
from farm_engine.liveavatar.checkpoints.tokenizer import load_tokenizer
from farm_engine.liveavatar.encoders import speech, text
from farm_engine.liveavatar.memory.layerwise import compute_layer_by_layer, in_host_memory
from farm_engine.liveavatar.transformer import config as transformer_config
from farm_engine.liveavatar.transformer.config import ModelConfig
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from farm_engine.liveavatar.vae import config as vae_config
from farm_engine.liveavatar.vae.autoencoder import VideoAutoencoder
from farm_engine.protocol.host_memory import out_of_host_memory

ReportLoading = Callable[[str, float], None]
Place = dict[str, torch.device | torch.dtype]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of the networks that belong together."""

    transformer: ModelConfig
    text: dict[str, int]
    vae: vae_config.VaeConfig


PUBLISHED = Sizes(transformer=transformer_config.LIVE_AVATAR_14B, text=text.UMT5_XXL, vae=vae_config.WAN_21)
TINY = Sizes(transformer=transformer_config.TINY, text=text.TINY, vae=vae_config.TINY)
_BY_DIM = {sizes.transformer.dim: sizes for sizes in (PUBLISHED, TINY)}


@dataclass(frozen=True, kw_only=True)
class LoadedModels:
    transformer: DiffusionTransformer
    text: text.TextEncoder
    speech: Wav2Vec2Model
    vae: VideoAutoencoder


def load_models(
    layout: PublishedLayout,
    *,
    device: torch.device,
    dtype: torch.dtype,
    report: ReportLoading = lambda phase, fraction: None,
) -> LoadedModels:
    """Every network in `dtype`, the LoRA merged into the transformer, ready to compute on `device`.

    What is needed only once per video or clip stays in host memory and is copied to the device for its use: the text
    encoder, mapped from its file if `dtype` is the file's, and the transformer's `rarely_used_layers`.

    `report(phase, fraction)` receives the loaded share of all weights, 0 to 1. Raises WeightsMissingError,
    WeightsWrongError.
    """
    layout.check_present()
    sizes = _sizes(layout)
    with torch.device("meta"):
        transformer = DiffusionTransformer(sizes.transformer)
        text_model = text.build_text_model(sizes.text)
        speech_model = _build_speech_model(layout, sizes)
        vae = VideoAutoencoder(sizes.vae).eval().requires_grad_(False)
    tokenizer = load_tokenizer(layout.tokenizer)
    progress = _Progress(report, [transformer, text_model, speech_model, vae])
    place: Place = {"device": device, "dtype": dtype}
    host: Place = {"device": torch.device("cpu"), "dtype": dtype}
    _load_transformer(transformer, layout, report=progress.phase("transformer"), **place)
    load_weights(
        text_model,
        PickledFile(layout.text),
        names=text.parameter_names(sizes.text["num_layers"]),
        report=progress.phase("text encoder"),
        **host,
    )
    load_weights(
        speech_model,
        SafetensorsFile(layout.speech),
        names=speech.parameter_names(speech_model),
        unused=speech.UNUSED_PARAMETERS,
        report=progress.phase("speech encoder"),
        **place,
    )
    load_weights(vae, PickledFile(layout.vae), report=progress.phase("autoencoder"), **place)
    return LoadedModels(
        transformer=transformer,
        text=text.TextEncoder(text_model, tokenizer, device=device, max_tokens=sizes.transformer.text_len),
        speech=speech_model,
        vae=vae,
    )


def _load_transformer(
    transformer: DiffusionTransformer,
    layout: PublishedLayout,
    *,
    device: torch.device,
    dtype: torch.dtype,
    report: ReportFraction,
) -> None:
    """Merges the LoRA; leaves what is rarely used in host memory if `device` is a GPU."""
    shards = ShardedSafetensors(layout.transformer_index)
    shapes = {name: tuple(parameter.shape) for name, parameter in transformer.named_parameters()}
    lora = Lora(SafetensorsFile(layout.lora), shapes)
    on_host = {} if device.type == "cpu" else transformer.rarely_used_layers()
    kept_on_host = {f"{name}.weight" for name in on_host}

    def merge(name: str, weight: Tensor) -> Tensor:
        merged = lora.merge(name, weight)
        return in_host_memory(merged) if name in kept_on_host else merged

    load_weights(transformer, shards, device=device, dtype=dtype, change=merge, report=report)
    compute_layer_by_layer(on_host.values(), device)


def is_tiny(layout: PublishedLayout) -> bool:
    """Whether the folder holds the tiny model of the tests. Raises WeightsMissingError, WeightsWrongError."""
    layout.check_present()
    return _sizes(layout) is TINY


def _sizes(layout: PublishedLayout) -> Sizes:
    try:
        dim = json.loads(layout.transformer_config.read_text())["dim"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsWrongError(layout.transformer_config, f"it is not a model config ({error!r})") from error
    if not isinstance(dim, int) or dim not in _BY_DIM:
        raise WeightsWrongError(layout.transformer_config, f"it describes a model of dim {dim}, not {sorted(_BY_DIM)}")
    return _BY_DIM[dim]


def _build_speech_model(layout: PublishedLayout, sizes: Sizes) -> Wav2Vec2Model:
    config = _speech_config(layout, sizes)
    try:
        return speech.build_speech_model(config)
    except Exception as error:  # the library validates with exceptions of every kind
        if out_of_host_memory(error):
            raise
        raise WeightsWrongError(layout.speech_config, f"it describes no wav2vec2 model ({error!r})") from error


def _speech_config(layout: PublishedLayout, sizes: Sizes) -> dict:
    published = speech.published_config({})
    expected = {
        "hidden_size": sizes.transformer.audio_dim,
        "num_hidden_layers": sizes.transformer.audio_layers - 1,
        "do_stable_layer_norm": True,
        "conv_kernel": published["conv_kernel"],
        "conv_stride": published["conv_stride"],
    }
    try:
        config = json.loads(layout.speech_config.read_text())
        found = {name: config[name] for name in expected}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsWrongError(layout.speech_config, f"it is not a wav2vec2 config ({error!r})") from error
    if found != expected:
        raise WeightsWrongError(layout.speech_config, f"it has {found}, the transformer needs {expected}")
    return config


class _Progress:
    """Turns the fractions of several loads into one that rises from 0 to 1, weighted by parameter count."""

    def __init__(self, report: ReportLoading, modules: list[torch.nn.Module]) -> None:
        self._report = report
        self._counts = [sum(parameter.numel() for parameter in module.parameters()) for module in modules]
        self._started = 0

    def phase(self, name: str) -> Callable[[float], None]:
        before, own = sum(self._counts[: self._started]), self._counts[self._started]
        self._started += 1
        total = sum(self._counts)
        return lambda fraction: self._report(name, (before + fraction * own) / total)
