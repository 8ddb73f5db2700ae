from __future__ import annotations

import ctypes
import json
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

from farm_engine.liveavatar.checkpoints import models as checkpoint_models
from farm_engine.liveavatar.checkpoints.errors import WeightsMissingError, WeightsWrongError
from farm_engine.liveavatar.checkpoints.generator import TINY, write_published_layout
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.loader import load_weights
from farm_engine.liveavatar.checkpoints.lora import Lora
from farm_engine.liveavatar.checkpoints.models import LoadedModels, load_models
from farm_engine.liveavatar.checkpoints.sources import PickledFile, SafetensorsFile, ShardedSafetensors
from farm_engine.liveavatar.checkpoints.verify import require_as_pulled
from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.protocol import EngineError
from farm_engine.weights.inventory import FILE_NAME, Inventory, PulledFile, sha256_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> PublishedLayout:
    folder = tmp_path_factory.mktemp("published")
    write_published_layout(folder, TINY)
    return PublishedLayout(folder)


@pytest.fixture
def copy(published, tmp_path) -> PublishedLayout:
    """A copy of the layout that a test may damage."""
    shutil.copytree(published.folder, tmp_path / "weights")
    return PublishedLayout(tmp_path / "weights")


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


def first_shard(layout: PublishedLayout) -> Path:
    return sorted(layout.base.glob("diffusion_pytorch_model-*.safetensors"))[0]


def remove_one(tensors) -> None:
    del tensors[sorted(tensors)[0]]


def add_one(tensors) -> None:
    tensors["stranger.weight"] = torch.zeros(2)


def misshape_one(tensors) -> None:
    name = sorted(tensors)[0]
    tensors[name] = torch.zeros(3, *tensors[name].shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_layout_loads_and_nothing_is_left_out(published, dtype):
    models = load(published, dtype=dtype)
    for module in (models.transformer, models.vae, models.text.model, models.speech):
        tensors = [*module.named_parameters(remove_duplicate=False), *module.named_buffers()]
        assert [name for name, tensor in tensors if tensor.is_meta or tensor.dtype != dtype] == []
    assert models.text.encode("a person speaks").embedding.isfinite().all()


def test_loading_gives_the_values_in_the_files_with_lora_merged(published):
    models = load(published)
    index = ShardedSafetensors(published.transformer_index)
    factors = SafetensorsFile(published.lora)
    name = "blocks.1.ffn.0"
    down, up = (factors.read(f"{name}.lora_{factor}.default.weight").float() for factor in "AB")
    expected = index.read(f"{name}.weight").float() + 64 / 128 * (up @ down)
    torch.testing.assert_close(models.transformer.get_parameter(f"{name}.weight"), expected)
    untouched = "head.head.weight"
    assert torch.equal(models.transformer.get_parameter(untouched), index.read(untouched).float())


@pytest.fixture
def pulled(copy) -> PublishedLayout:
    """The copy with the record that a pull leaves."""
    files = [path for path in copy.folder.rglob("*") if path.is_file()]
    records = (
        PulledFile(
            path=str(path.relative_to(copy.folder)),
            size=path.stat().st_size,
            sha256=sha256_of(path),
            repository="published",
            revision="0",
            modified_ns=path.stat().st_mtime_ns,
        )
        for path in files
    )
    Inventory({record.path: record for record in records}).write(copy.folder)
    return copy


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage, code, word",
    [
        (flip_a_bit, "weights-wrong", "SHA-256"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "weights-wrong", "bytes instead of"),
        (Path.unlink, "weights-missing", "does not exist"),
    ],
)
def test_the_engine_does_not_start_with_files_that_changed_since_the_pull(pulled, damage, code, word):
    require_as_pulled(pulled.folder)
    path = first_shard(pulled)
    damage(path)
    with pytest.raises(EngineError, match=word) as failure:
        LiveAvatarEngine(pulled.folder, device="cpu").load(lambda phase, fraction: None)
    assert (failure.value.code, failure.value.details["path"]) == (code, str(path))


def test_a_record_of_a_pull_that_is_none_is_named(pulled):
    (pulled.folder / FILE_NAME).write_text("[]")
    with pytest.raises(WeightsWrongError, match=FILE_NAME):
        require_as_pulled(pulled.folder)


def test_what_a_video_needs_once_rests_in_host_memory(published, monkeypatch):
    """The meta device stands for the GPU; a copy from there has no values, so they are made anew."""
    monkeypatch.setattr(checkpoint_models, "in_host_memory", lambda weight: torch.zeros(weight.shape))
    models = load_models(published, device=torch.device("meta"), dtype=torch.float32)
    resting = {name for name, parameter in models.transformer.named_parameters() if not parameter.is_meta}
    layers = range(models.transformer.config.num_layers)
    assert resting == {f"blocks.{layer}.cross_attn.{part}.weight" for layer in layers for part in "kv"}
    assert {parameter.device.type for parameter in models.text.model.parameters()} == {"cpu"}
    assert {parameter.device.type for parameter in models.vae.parameters()} == {"meta"}
    assert {parameter.device.type for parameter in models.speech.parameters()} == {"meta"}
    text = torch.empty(models.transformer.config.text_len, models.transformer.config.dim, device="meta")
    assert models.transformer.blocks[0].cross_attn.key_value(text).key.is_meta


def test_progress_rises_to_one_in_every_phase(published):
    seen: list[tuple[str, float]] = []
    load(published, report=lambda phase, fraction: seen.append((phase, fraction)))
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)
    assert seen[-1][1] == 1.0
    assert len({phase for phase, _ in seen}) == 4


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


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["converted", "as in the file"])
def test_loading_never_holds_the_weights_twice(tmp_path, suffix, dtype):
    width, layers = 2048, 12
    module_shape = [(width, width)] * layers
    tensors = {f"{i}.weight": torch.zeros(shape) for i, shape in enumerate(module_shape)}
    path = tmp_path / f"weights{suffix}"
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    weight_bytes = sum(tensor.numel() for tensor in tensors.values()) * dtype.itemsize
    del tensors
    with torch.device("meta"):
        module = torch.nn.Sequential(*(torch.nn.Linear(width, width, bias=False) for _ in module_shape))
    ctypes.CDLL(None).malloc_trim(0)  # freed memory must not hide what loading takes
    before = anonymous_bytes()
    with peak_of(anonymous_bytes) as peak:
        source = SafetensorsFile(path) if suffix == ".safetensors" else PickledFile(path)
        load_weights(module, source, device=CPU, dtype=dtype)
    held = weight_bytes if dtype != torch.float32 else 0
    largest = weight_bytes / layers
    assert held - largest < peak.value - before < held + 2 * largest


def anonymous_bytes() -> int:
    """Memory of this process that is not backed by a file."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


@contextmanager
def peak_of(measure):
    """Ask `measure` all the time in a thread; `value` is the largest answer."""
    seen, done = SimpleNamespace(value=0), threading.Event()

    def watch() -> None:
        while not done.wait(0.0005):
            seen.value = max(seen.value, measure())

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    done.set()
    thread.join()
    seen.value = max(seen.value, measure())
