"""Files that changed since they were pulled."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoint_files import first_shard

from farm_engine.liveavatar.checkpoints.errors import WeightsWrongError
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout
from farm_engine.liveavatar.checkpoints.verify import require_as_pulled
from farm_engine.liveavatar.engine import LiveAvatarEngine
from farm_engine.protocol import EngineError
from farm_engine.weights.inventory import FILE_NAME, Inventory, PulledFile, sha256_of


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


def test_an_inventory_that_is_not_one_is_named(pulled):
    (pulled.folder / FILE_NAME).write_text("[]")
    with pytest.raises(WeightsWrongError, match=FILE_NAME):
        require_as_pulled(pulled.folder)
