"""Files that are not what the model needs: each is refused and named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from checkpoint_files import first_shard
from safetensors.torch import load_file, save_file

from farm_engine.liveavatar.checkpoints.errors import WeightsMissingError, WeightsWrongError
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.lora import Lora
from farm_engine.liveavatar.checkpoints.models import LoadedModels, load_models
from farm_engine.liveavatar.checkpoints.sources import SafetensorsFile, ShardedSafetensors

CPU = torch.device("cpu")


def load(layout: PublishedLayout, report=lambda phase, fraction: None, dtype=torch.float32) -> LoadedModels:
    return load_models(layout, device=CPU, dtype=dtype, report=report)


def change_safetensors(path: Path, change) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def change_pickle(path: Path, change) -> None:
    tensors = torch.load(path, weights_only=True)
    change(tensors)
    torch.save(tensors, path)


def remove_one(tensors) -> None:
    del tensors[sorted(tensors)[0]]


def add_one(tensors) -> None:
    tensors["stranger.weight"] = torch.zeros(2)


def misshape_one(tensors) -> None:
    name = sorted(tensors)[0]
    tensors[name] = torch.zeros(3, *tensors[name].shape)


@pytest.mark.parametrize(
    "change, kind", [(remove_one, "missing"), (add_one, "unexpected"), (misshape_one, "misshapen")]
)
@pytest.mark.parametrize("part", ["text", "vae", "speech", "lora"])
def test_a_wrong_tensor_is_named(copy, part, change, kind):
    path = getattr(copy, part)
    (change_pickle if path.suffix == ".pth" else change_safetensors)(path, change)
    with pytest.raises(WeightsWrongError) as failure:
        load(copy)
    assert failure.value.details["path"] == str(path)
    assert failure.value.details["kind"] == kind
    assert failure.value.details["tensor"] in failure.value.message


@pytest.mark.parametrize(
    "change, kind", [(remove_one, "missing"), (add_one, "unexpected"), (misshape_one, "misshapen")]
)
def test_a_wrong_tensor_of_a_shard_is_named(copy, change, kind):
    change_safetensors(first_shard(copy), change)
    with pytest.raises(WeightsWrongError, match=kind if kind != "misshapen" else "the model needs") as failure:
        load(copy)
    assert failure.value.details["kind"] == kind


def test_a_tensor_missing_from_index_and_shards_is_named(copy):
    change_safetensors(first_shard(copy), remove_one)
    index = json.loads(copy.transformer_index.read_text())
    held = set().union(*(load_file(path) for path in copy.base.glob("*.safetensors")))
    index["weight_map"] = {name: file for name, file in index["weight_map"].items() if name in held}
    copy.transformer_index.write_text(json.dumps(index))
    with pytest.raises(WeightsWrongError, match="1 missing tensor"):
        load(copy)


@pytest.mark.parametrize("part", ["text", "vae", "speech", "lora", "shard", "transformer_index", "tokenizer"])
@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_a_truncated_file_is_named(copy, part, keep):
    path = first_shard(copy) if part == "shard" else getattr(copy, part)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(WeightsWrongError) as failure:
        load(copy)
    assert str(path) in failure.value.message
    assert failure.value.code == "weights-wrong"
    assert failure.value.retriable == "another-worker"


@pytest.mark.parametrize("part", ["text", "vae", "speech", "speech_config", "lora", "shard", "transformer_index"])
def test_a_missing_file_is_named(copy, part):
    path = first_shard(copy) if part == "shard" else getattr(copy, part)
    path.unlink()
    with pytest.raises(WeightsMissingError) as failure:
        load(copy)
    assert str(path) in failure.value.message
    assert failure.value.code == "weights-missing"


def test_a_pickle_that_would_run_code_is_refused(copy, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"encoder.conv1.weight": Trap()}, copy.vae)
    with pytest.raises(WeightsWrongError):
        load(copy)
    assert not (tmp_path / "sprung").exists()


def test_a_model_of_unknown_size_is_refused(copy):
    copy.transformer_config.write_text(json.dumps({"dim": 1536}))
    with pytest.raises(WeightsWrongError, match="1536"):
        load(copy)


def test_lora_accepts_both_spellings_of_its_names(published, copy):
    tensors = load_file(copy.lora)
    renamed = {f"base_model.model.{name.replace('.default', '')}": tensor for name, tensor in tensors.items()}
    save_file(renamed, copy.lora)
    name = "blocks.0.self_attn.q.weight"
    assert torch.equal(load(copy).transformer.get_parameter(name), load(published).transformer.get_parameter(name))


def test_lora_without_a_partner_is_named(copy):
    name = "blocks.0.self_attn.q.lora_B.default.weight"
    change_safetensors(copy.lora, lambda tensors: tensors.pop(name))
    source = ShardedSafetensors(copy.transformer_index)
    with pytest.raises(WeightsWrongError, match="has no partner"):
        Lora(SafetensorsFile(copy.lora), dict(source.shapes))
