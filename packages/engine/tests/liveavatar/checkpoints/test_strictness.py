"""Files that are not what the model needs: each is refused and named."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from checkpoint_files import first_shard
from safetensors.torch import load_file, save_file

from farm_engine.liveavatar.checkpoints.errors import WeightsMissingError, WeightsWrongError
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.models import LoadedModels, load_models
from farm_engine.liveavatar.checkpoints.sources import PickledFile
from farm_engine.liveavatar.encoders.speech import UNUSED_PARAMETERS

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


def save_legacy(tensors: object, path: Path) -> None:
    torch.save(tensors, path, _use_new_zipfile_serialization=False)


def save_bare(tensors: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(tensors))


@pytest.mark.parametrize("save", [torch.save, save_legacy, save_bare])
def test_a_pickle_that_would_run_code_is_refused(copy, tmp_path, save):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    save({"encoder.conv1.weight": Trap()}, copy.vae)
    with pytest.raises(WeightsWrongError) as failure:
        load(copy)
    assert str(copy.vae) in failure.value.message
    assert not (tmp_path / "sprung").exists()


@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
@pytest.mark.parametrize("save", [torch.save, save_legacy])
@pytest.mark.parametrize(
    "content",
    [
        [torch.zeros(2)],
        {"a": 1.0},
        {"state_dict": {"a": torch.zeros(2)}},
        {1: torch.zeros(2)},
        {"a": torch.zeros(2, device="meta")},
        {"a": torch.zeros(2, 2).to_sparse()},
    ],
)
def test_a_pickle_of_something_other_than_named_tensors_is_refused(tmp_path, save, content):
    path = tmp_path / "weights.pth"
    save(content, path)
    with pytest.raises(WeightsWrongError, match="a dictionary of tensors"):
        PickledFile(path)


@pytest.mark.parametrize("part", ["text", "vae"])
@pytest.mark.parametrize("keep", [0.0, 0.0001, 0.01, 0.5, 0.999])
def test_a_truncated_legacy_file_is_named(copy, part, keep):
    path = getattr(copy, part)
    save_legacy(torch.load(path, weights_only=True), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(WeightsWrongError) as failure:
        load(copy)
    assert str(path) in failure.value.message


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_damaged_legacy_file_is_named_whatever_byte_is_wrong(tmp_path):
    path = tmp_path / "weights.pth"
    save_legacy({"a": torch.ones(3, 4), "b": torch.ones(2).bfloat16()}, path)
    whole, refused = path.read_bytes(), 0
    for position in range(len(whole)):
        for flipped in (0xFF, 0x01, 0x40):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ flipped]) + whole[position + 1 :])
            try:
                PickledFile(path)
            except WeightsWrongError as failure:
                assert str(path) in failure.message
                refused += 1
    assert refused > len(whole)


def test_tensors_of_a_legacy_file_may_share_their_bytes(tmp_path):
    whole = torch.arange(4096.0)
    save_legacy({"whole": whole, "half": whole[2048:], "empty": torch.zeros(0)}, tmp_path / "weights.pth")
    assert torch.equal(PickledFile(tmp_path / "weights.pth").read("half"), whole[2048:])


def test_a_legacy_file_that_lists_too_few_of_its_storages_is_refused(tmp_path):
    """PyTorch leaves the memory of the others as it found it."""
    path = tmp_path / "weights.pth"
    save_legacy({"a": torch.ones(64, 64)}, path)
    content = path.read_bytes()
    keys = content.rindex(b"\x80\x02]")  # the list of storages that follow, and their bytes
    path.write_bytes(content[:keys] + pickle.dumps([], protocol=2))
    with pytest.raises(WeightsWrongError, match="need 16384 bytes"):
        PickledFile(path)


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


@pytest.mark.parametrize("factor", ["blocks.1.ffn.2.lora_B", "audio_injector.injector.1.v.lora_A"])
@pytest.mark.parametrize("both", [False, True])
def test_a_missing_lora_factor_is_named(copy, factor, both):
    gone = {f"{factor[:-1]}{letter}.default.weight" for letter in ("AB" if both else factor[-1])}
    change_safetensors(copy.lora, lambda tensors: [tensors.pop(name) for name in gone])
    with pytest.raises(WeightsWrongError, match=f"{len(gone)} missing tensor") as failure:
        load(copy)
    assert failure.value.details["path"] == str(copy.lora)
    assert failure.value.details["tensor"] == min(gone)


@pytest.mark.parametrize(
    "extra",
    [
        "head.head.lora_A.default.weight",
        "audio_injector.injector_adain_layers.0.linear.lora_B.default.weight",
        "blocks.0.self_attn.q.lora_A.weight",
        "blocks.0.self_attn.q.lora_A.default.bias",
        "a.stranger",
    ],
)
def test_an_extra_lora_tensor_is_named(copy, extra):
    change_safetensors(copy.lora, lambda tensors: tensors.update({extra: torch.zeros(128, 128)}))
    with pytest.raises(WeightsWrongError, match="1 unexpected tensor") as failure:
        load(copy)
    assert failure.value.details == {"path": str(copy.lora), "kind": "unexpected", "tensor": extra}


@pytest.mark.parametrize("factor, shape", [("A", (128, 3)), ("B", (3, 128)), ("A", (64, 128)), ("B", (128,))])
def test_a_misshapen_lora_factor_is_named(copy, factor, shape):
    weight = "audio_injector.injector.0.o"
    tensor = {f"{weight}.lora_{factor}.default.weight": torch.zeros(shape)}
    change_safetensors(copy.lora, lambda tensors: tensors.update(tensor))
    with pytest.raises(WeightsWrongError, match=f"the factors of {weight}.weight have shapes"):
        load(copy)


@pytest.mark.parametrize(
    "dtype", [torch.int8, torch.int64, torch.bool, torch.float8_e4m3fn, torch.complex64], ids=lambda dtype: str(dtype)
)
@pytest.mark.parametrize("part", ["text", "vae", "speech", "lora"])
def test_a_tensor_of_other_numbers_is_named(copy, part, dtype):
    path = getattr(copy, part)
    changed = []

    def change(tensors) -> None:
        changed.append(next(name for name in sorted(tensors) if name not in UNUSED_PARAMETERS))
        tensors[changed[0]] = tensors[changed[0]].to(dtype)

    (change_pickle if path.suffix == ".pth" else change_safetensors)(path, change)
    with pytest.raises(WeightsWrongError, match=str(dtype).removeprefix("torch.")) as failure:
        load(copy)
    assert (failure.value.details["kind"], failure.value.details["tensor"]) == ("wrong-dtype", changed[0])


def test_a_quantized_tensor_is_refused(copy):
    def quantize(tensors) -> None:
        name = sorted(tensors)[0]
        tensors[name] = torch.quantize_per_tensor(tensors[name].float(), 0.1, 0, torch.qint8)

    change_pickle(copy.vae, quantize)
    with pytest.raises(WeightsWrongError) as failure:
        load(copy)
    assert failure.value.details["path"] == str(copy.vae)


def test_a_lora_of_rank_0_is_refused(copy):
    def empty(tensors) -> None:
        for name, tensor in tensors.items():
            tensors[name] = tensor[:0] if ".lora_A" in name else tensor[:, :0]

    change_safetensors(copy.lora, empty)
    with pytest.raises(WeightsWrongError, match="do not multiply"):
        load(copy)


@pytest.mark.parametrize("weight_map", [[], ["a"], "a", 5, {"a": 5}, {"a": ["b"]}, {"a": ""}, {"a": None}])
def test_an_index_that_is_no_map_of_files_is_refused(copy, weight_map):
    copy.transformer_index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(WeightsWrongError) as failure:
        load(copy)
    assert failure.value.details["path"] == str(copy.transformer_index)


@pytest.mark.parametrize("part", ["transformer_index", "transformer_config", "speech_config"])
def test_json_that_is_nested_without_end_is_refused(copy, part):
    getattr(copy, part).write_text("[" * 100_000)
    with pytest.raises(WeightsWrongError):
        load(copy)


@pytest.mark.parametrize("dim", [[1], {"a": 1}, None, "5120"])
def test_a_model_config_with_a_strange_width_is_refused(copy, dim):
    copy.transformer_config.write_text(json.dumps({"dim": dim}))
    with pytest.raises(WeightsWrongError):
        load(copy)


@pytest.mark.parametrize(
    "change",
    [
        {"conv_stride": [5, 2, 2, 2, 2, 2, 1]},
        {"conv_kernel": [10, 3, 3, 3, 3, 2, 3]},
        {"conv_dim": [32]},
        {"conv_dim": 32},
        {"num_attention_heads": 0},
        {"num_attention_heads": 5},
        {"hidden_act": "stranger"},
    ],
)
def test_a_speech_config_of_another_network_is_refused(copy, change):
    config = json.loads(copy.speech_config.read_text())
    copy.speech_config.write_text(json.dumps({**config, **change}))
    with pytest.raises(WeightsWrongError):
        load(copy)
