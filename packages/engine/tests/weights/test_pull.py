"""Pulling weights from a hub that fails in all the ways a hub can."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hub_server import COMMIT
from published_files import BASE, CHUNK, LORA, SHARD, SHARD_PATH

from farm_engine.weights.errors import (
    DiskFullError,
    DownloadCorruptError,
    HubUnreachableError,
    NotPublishedError,
)
from farm_engine.weights.hub import ATTEMPTS, Hub
from farm_engine.weights.inventory import Inventory
from farm_engine.weights.pull import pull


def test_pull_fetches_what_the_engine_needs_and_nothing_else(hub, run_pull):
    inventory = run_pull()
    assert len(inventory.files) == 10
    for path, file in inventory.files.items():
        repository = BASE if path.startswith("Wan2.2") else LORA
        assert (run_pull.folder / path).read_bytes() == hub.repositories[repository][path.partition("/")[2]]
        assert file.revision == COMMIT
    assert hub.downloads("README.md") == hub.downloads("wav2vec2-large-xlsr-53-english/flax_model.msgpack") == []
    assert Inventory.read(run_pull.folder) == inventory
    assert [brought.number for brought in run_pull.brought] == list(range(1, 11))
    assert all(brought.fetched and brought.count == 10 for brought in run_pull.brought)


def test_a_second_pull_fetches_nothing(hub, run_pull):
    run_pull()
    hub.requests.clear()
    run_pull()
    assert hub.requests == []
    assert not any(brought.fetched for brought in run_pull.brought)


def test_files_brought_by_other_means_are_verified_instead_of_fetched(hub, run_pull):
    path = run_pull.folder / SHARD_PATH
    path.parent.mkdir(parents=True)
    path.write_bytes(hub.repositories[BASE][SHARD])
    run_pull()
    assert hub.downloads(SHARD) == []


def test_a_cut_connection_resumes_where_it_ended(hub, run_pull):
    hub.faults.cut_after[SHARD] = [CHUNK + 1_000_000, CHUNK + 500_000]
    run_pull()
    assert hub.downloads(SHARD) == [0, CHUNK, 2 * CHUNK]
    assert (run_pull.folder / SHARD_PATH).read_bytes() == hub.repositories[BASE][SHARD]


def test_an_interrupted_process_is_resumed_by_the_next(hub, run_pull):
    hub.faults.cut_after[SHARD] = [CHUNK + 1_000_000]
    hub.faults.unavailable_after_cut.add(SHARD)
    with pytest.raises(HubUnreachableError):
        run_pull()
    hub.faults.unavailable.clear()
    hub.requests.clear()
    run_pull()
    assert hub.downloads(SHARD) == [CHUNK]
    assert (run_pull.folder / SHARD_PATH).read_bytes() == hub.repositories[BASE][SHARD]


def test_wrong_bytes_are_fetched_again(hub, run_pull):
    hub.faults.wrong_bytes[SHARD] = 1
    run_pull()
    assert hub.downloads(SHARD) == [0, 0]
    assert (run_pull.folder / SHARD_PATH).read_bytes() == hub.repositories[BASE][SHARD]


def test_a_small_file_with_wrong_bytes_is_fetched_again(hub, run_pull):
    hub.faults.wrong_bytes["config.json"] = 1
    run_pull()
    assert (run_pull.folder / "Wan2.2-S2V-14B/config.json").read_bytes() == b'{"dim": 256}'


def test_bytes_that_stay_wrong_are_refused_and_removed(hub, run_pull):
    hub.faults.wrong_bytes[SHARD] = 9
    with pytest.raises(DownloadCorruptError, match=SHARD):
        run_pull()
    assert not (run_pull.folder / SHARD_PATH).exists()
    assert SHARD_PATH not in Inventory.read(run_pull.folder).files


def test_an_overloaded_hub_is_asked_again_with_growing_pauses(hub, run_pull):
    hub.faults.unavailable[""] = 2
    run_pull()
    assert run_pull.waits == [1.0, 2.0]


def test_an_overloaded_file_is_asked_for_again(hub, run_pull):
    hub.faults.unavailable[SHARD] = 3
    run_pull()
    assert (run_pull.folder / SHARD_PATH).read_bytes() == hub.repositories[BASE][SHARD]


def test_a_hub_that_stays_overloaded_is_named(hub, run_pull):
    hub.faults.unavailable[""] = 1000
    with pytest.raises(HubUnreachableError, match=hub.endpoint):
        run_pull()
    assert len(run_pull.waits) == ATTEMPTS - 1


def test_no_server_at_all_is_named(tmp_path):
    with pytest.raises(HubUnreachableError, match="HF_ENDPOINT"):
        pull(tmp_path, Hub("http://127.0.0.1:9", wait=lambda seconds: None), report=print)


def test_an_unknown_repository_is_named_without_retrying(hub, run_pull):
    del hub.repositories[LORA]
    with pytest.raises(NotPublishedError, match=LORA):
        run_pull()
    assert run_pull.waits == []


def test_a_file_missing_from_the_listing_is_named(hub, run_pull):
    del hub.repositories[BASE]["Wan2.1_VAE.pth"]
    with pytest.raises(NotPublishedError, match="publishes no Wan2.1_VAE.pth"):
        run_pull()


def test_a_file_listed_but_absent_is_named_without_retrying(hub, run_pull):
    hub.faults.absent.add(SHARD)
    with pytest.raises(NotPublishedError, match=SHARD):
        run_pull()
    assert run_pull.waits == []


def test_a_full_disk_is_named_before_anything_is_fetched(hub, run_pull, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    with pytest.raises(DiskFullError, match="1.00 MB free"):
        run_pull()
    assert hub.requests == []
