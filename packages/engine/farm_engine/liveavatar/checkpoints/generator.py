"""Writes the published layout with random weights: tiny for tests, real size to time loading on a GPU machine.

python -m farm_engine.liveavatar.checkpoints.generator FOLDER [--size tiny|published]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import BPE
from torch import Tensor, nn

from farm_engine.liveavatar.checkpoints import models
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.lora import adapted_weights
from farm_engine.liveavatar.checkpoints.random_weights import random_tensor
from farm_engine.liveavatar.encoders import speech, text
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from farm_engine.liveavatar.vae.autoencoder import VideoAutoencoder

LORA_RANK = 128


@dataclass(frozen=True, kw_only=True)
class Published:
    """What to write: the networks' sizes, and the largest shard in bytes."""

    sizes: models.Sizes
    speech: dict
    shard_bytes: int


TINY = Published(sizes=models.TINY, speech=speech.published_config(speech.TINY), shard_bytes=4 << 20)
FULL = Published(sizes=models.PUBLISHED, speech=speech.published_config(speech.WAV2VEC2_LARGE), shard_bytes=10**10)

Shapes = dict[str, tuple[int, ...]]


def write_published_layout(folder: Path, what: Published, *, dtype: torch.dtype = torch.bfloat16) -> None:
    """Write every file the engine reads into `folder`, with weights made from their names, a thread for each tensor."""
    torch.set_num_threads(1)
    layout = PublishedLayout(folder)
    for path in (layout.tokenizer, layout.speech, layout.lora):
        path.parent.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        transformer = _shapes(DiffusionTransformer(what.sizes.transformer))
        vae = _shapes(VideoAutoencoder(what.sizes.vae))
        speech_shapes = _shapes(speech.build_speech_model(what.speech))
        text_shapes = _shapes(text.build_text_model(what.sizes.text))
    text_names = text.parameter_names(what.sizes.text["num_layers"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        layout.transformer_config.write_text(json.dumps({"model_type": "s2v", "dim": what.sizes.transformer.dim}))
        _write_shards(layout.transformer_index, transformer, pool=pool, dtype=dtype, shard_bytes=what.shard_bytes)
        save_file(_tensors(lora_shapes(transformer), pool, dtype), layout.lora)
        torch.save(_tensors({name: text_shapes[text_names[name]] for name in text_names}, pool, dtype), layout.text)
        torch.save(_tensors(vae, pool, torch.float32), layout.vae)
        published_speech = {"wav2vec2." + name: shape for name, shape in speech_shapes.items()}
        save_file(_tensors(published_speech, pool, torch.float32), layout.speech)
    layout.speech_config.write_text(json.dumps(what.speech))
    write_byte_tokenizer(layout.tokenizer)


def _shapes(module: nn.Module) -> Shapes:
    return {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}


def _tensors(shapes: Shapes, pool: ThreadPoolExecutor, dtype: torch.dtype) -> dict[str, Tensor]:
    values = pool.map(lambda item: random_tensor(*item, dtype=dtype), shapes.items())
    return dict(zip(shapes, values, strict=True))


def lora_shapes(weights: Shapes) -> Shapes:
    """The factors of the published LoRA for a transformer of these parameters."""
    factors = {}
    for name in adapted_weights(weights):
        layer, (rows, columns) = name.removesuffix(".weight"), weights[name]
        factors[f"{layer}.lora_A.default.weight"] = (LORA_RANK, columns)
        factors[f"{layer}.lora_B.default.weight"] = (rows, LORA_RANK)
    return factors


def _write_shards(
    index_path: Path, shapes: Shapes, *, pool: ThreadPoolExecutor, dtype: torch.dtype, shard_bytes: int
) -> None:
    shards = list(_split(shapes, shard_bytes // dtype.itemsize))
    owners = {}
    for number, shard in enumerate(shards, start=1):
        file = f"diffusion_pytorch_model-{number:05}-of-{len(shards):05}.safetensors"
        save_file(_tensors(shard, pool, dtype), index_path.with_name(file))
        owners |= dict.fromkeys(shard, file)
    total = sum(torch.Size(shape).numel() for shape in shapes.values()) * dtype.itemsize
    index_path.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": owners}))


def _split(shapes: Shapes, limit: int) -> Iterator[Shapes]:
    """Consecutive parts of at most `limit` values each."""
    part: Shapes = {}
    count = 0
    for name, shape in shapes.items():
        values = torch.Size(shape).numel()
        if part and count + values > limit:
            yield part
            part, count = {}, 0
        part[name] = shape
        count += values
    yield part


def write_byte_tokenizer(path: Path) -> None:
    """A tokenizer that gives every byte its own id, so that any prompt can be embedded without a vocabulary."""
    special: Iterable[str] = ("<pad>", "</s>", "<unk>")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=("tiny", "published"), default="tiny", help="published: 46 GB")
    arguments = parser.parse_args()
    write_published_layout(arguments.folder, FULL if arguments.size == "published" else TINY)


if __name__ == "__main__":
    main()
