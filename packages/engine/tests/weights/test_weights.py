from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import random
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from hub_server import COMMIT, HubServer

from farm_engine.weights.catalog import CATALOG
from farm_engine.weights.check import check, check_changed
from farm_engine.weights.errors import (
    DiskFullError,
    DownloadCorruptError,
    HubUnreachableError,
    NotPublishedError,
    NotPulledError,
)
from farm_engine.weights.hub import ATTEMPTS, Hub
from farm_engine.weights.inventory import EARLIER_FILE_NAME, FILE_NAME, Inventory
from farm_engine.weights.listing import list_files
from farm_engine.weights.pull import pull

BASE, LORA = CATALOG[0].name, CATALOG[1].name
SHARD = "diffusion_pytorch_model-00002-of-00002.safetensors"
CHUNK = huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE  # what is lost of an interrupted download, at most
SHARD_PATH = f"Wan2.2-S2V-14B/{SHARD}"


def random_bytes(seed: int, count: int) -> bytes:
    return random.Random(seed).randbytes(count)


@pytest.fixture
def hub():
    base = {
        "config.json": b'{"dim": 256}',
        "diffusion_pytorch_model.safetensors.index.json": b"{}",
        "diffusion_pytorch_model-00001-of-00002.safetensors": random_bytes(1, 3_000_000),
        SHARD: random_bytes(2, 24_000_000),
        "models_t5_umt5-xxl-enc-bf16.pth": random_bytes(3, 50_000),
        "google/umt5-xxl/tokenizer.json": random_bytes(4, 5_000),
        "Wan2.1_VAE.pth": random_bytes(5, 20_000),
        "wav2vec2-large-xlsr-53-english/config.json": b'{"hidden_size": 64}',
        "wav2vec2-large-xlsr-53-english/model.safetensors": random_bytes(6, 30_000),
        "wav2vec2-large-xlsr-53-english/flax_model.msgpack": random_bytes(7, 30_000),
        "README.md": b"# not needed",
    }
    with HubServer({BASE: base, LORA: {"liveavatar.safetensors": random_bytes(8, 40_000)}}) as server:
        yield server


@pytest.fixture
def run_pull(hub, tmp_path):
    """Pull into a folder without waiting between attempts."""
    waits: list[float] = []

    def run() -> Inventory:
        run.brought = []
        return pull(tmp_path / "weights", Hub(hub.endpoint, wait=waits.append), report=run.brought.append)

    run.waits, run.folder = waits, tmp_path / "weights"
    return run


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


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "wrong size":
        path.write_bytes(content[:-1])
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


@pytest.mark.parametrize("how", ["missing", "wrong size", "wrong contents"])
def test_check_names_a_damaged_file_and_pull_mends_it(hub, run_pull, how):
    run_pull()
    assert {result.state for result in check(run_pull.folder)} == {"right"}
    damage(run_pull.folder / SHARD_PATH, how)
    wrong = [result for result in check(run_pull.folder) if result.state != "right"]
    assert [(result.file.path, result.state) for result in wrong] == [(SHARD_PATH, how)]
    run_pull()
    assert {result.state for result in check(run_pull.folder)} == {"right"}


def test_check_of_sizes_reads_no_contents(run_pull):
    run_pull()
    damage(run_pull.folder / SHARD_PATH, "wrong contents")
    assert {result.state for result in check(run_pull.folder, contents=False)} == {"right"}


def test_only_files_that_changed_since_they_were_verified_are_read_again(run_pull):
    run_pull()
    announced: list[str] = []

    def touched() -> dict[str, str]:
        announced.clear()
        results = check_changed(run_pull.folder, lambda file: announced.append(file.path))
        return {result.file.path: result.state for result in results if result.state != "right"}

    assert touched() == {}
    assert announced == []
    os.utime(run_pull.folder / SHARD_PATH)
    assert touched() == {}
    assert announced == [SHARD_PATH]
    check(run_pull.folder)  # reads it, finds it right, and notes so
    assert touched() == {}
    assert announced == []
    damage(run_pull.folder / SHARD_PATH, "wrong contents")
    assert touched() == {SHARD_PATH: "wrong contents"}
    check(run_pull.folder)
    assert touched() == {SHARD_PATH: "wrong contents"}  # what is wrong is not noted as verified


def test_an_inventory_under_its_earlier_name_is_read_and_renamed(run_pull):
    inventory, folder = run_pull(), run_pull.folder
    (folder / FILE_NAME).rename(folder / EARLIER_FILE_NAME)
    assert Inventory.read(folder) == inventory
    assert check_changed(folder)[0].state == "right"
    run_pull()
    assert [path.name for path in folder.iterdir() if path.is_file()] == [FILE_NAME]
    assert Inventory.read(folder) == inventory


def test_a_folder_that_was_never_pulled_has_nothing_to_compare_with(tmp_path):
    assert check_changed(tmp_path) == []


def test_check_without_a_pull_says_what_to_do(tmp_path):
    with pytest.raises(NotPulledError, match="farm weights pull"):
        check(tmp_path)


def environment(hub) -> dict[str, str]:
    return {**os.environ, "HF_ENDPOINT": hub.endpoint, "PYTHONPATH": str(Path(__file__).parents[2])}


def command(hub, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "farm_engine.weights", *arguments],
        env=environment(hub),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_line_pulls_lists_and_checks(hub, tmp_path):
    folder = ("--folder", str(tmp_path))
    before = command(hub, "list", *folder)
    assert before.stdout.count("missing") == 9
    pulled = command(hub, "pull", *folder)
    assert pulled.returncode == 0, pulled.stderr
    assert "[10/10] LiveAvatar/liveavatar.safetensors  40.00 kB  fetched and verified" in pulled.stdout
    assert "10 files, 27.15 MB, are complete" in pulled.stdout
    assert "already there, verified" in command(hub, "pull", *folder).stdout
    listed = command(hub, "list", *folder)
    assert listed.stdout.count(f"commit {COMMIT[:12]}") == 10
    assert command(hub, "check", *folder).returncode == 0
    damage(tmp_path / SHARD_PATH, "wrong contents")
    checked = command(hub, "check", *folder)
    assert checked.returncode == 11
    assert SHARD_PATH in checked.stderr
    assert "wrong contents" in checked.stdout


def test_programs_get_json(hub, tmp_path):
    arguments = ("--json", "--folder", str(tmp_path))
    before = json.loads(command(hub, "list", *arguments).stdout)
    assert before["folder"] == str(tmp_path)
    assert [file["state"] for file in before["files"]] == ["missing"] * 9
    pulled = command(hub, "pull", *arguments)
    *brought, complete = [json.loads(line) for line in pulled.stdout.splitlines()]
    assert [(step["event"], step["number"], step["fetched"]) for step in brought] == [
        ("verified", number, True) for number in range(1, 11)
    ]
    assert brought[0]["file"]["revision"] == COMMIT
    assert complete == {"event": "complete", "folder": str(tmp_path), "count": 10, "size": 27_145_033}
    assert pulled.stderr == ""
    (tmp_path / "Wan2.2-S2V-14B/Wan2.1_VAE.pth").unlink()
    listed = json.loads(command(hub, "list", *arguments).stdout)["files"]
    states = {file["path"]: (file["state"], file["size"]) for file in listed}
    assert states.pop("Wan2.2-S2V-14B/Wan2.1_VAE.pth") == ("missing", None)
    assert states[SHARD_PATH] == ("pulled", 24_000_000)
    assert {state for state, _ in states.values()} == {"pulled"}
    checked = command(hub, "check", *arguments)
    assert checked.returncode == 11
    wrong = [file for file in json.loads(checked.stdout)["files"] if file["state"] != "right"]
    assert [(file["path"], file["state"]) for file in wrong] == [("Wan2.2-S2V-14B/Wan2.1_VAE.pth", "missing")]
    error = json.loads(checked.stderr)["error"]
    assert error["code"] == "wrong-files"
    assert "Wan2.1_VAE.pth" in error["message"]


def test_a_file_that_no_pull_verified_is_listed_as_such(tmp_path):
    path = tmp_path / SHARD_PATH
    path.parent.mkdir(parents=True)
    path.write_bytes(b"by other means")
    listed = {file.path: file for file in list_files(tmp_path)}
    assert (listed[SHARD_PATH].state, listed[SHARD_PATH].size) == ("unverified", 14)


def test_a_terminal_shows_a_progress_bar(hub, tmp_path):
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "farm_engine.weights", "pull", "--folder", str(tmp_path)],
        env=environment(hub),
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal says that its other side is closed
        while data := os.read(outer, 4096):
            shown += data
    os.close(outer)
    assert process.wait(60) == 0
    assert re.search(rb"00002-of-00002.safetensors: +100%\|", shown)


def test_the_command_line_fails_in_words(hub, tmp_path):
    checked = command(hub, "check", "--folder", str(tmp_path))
    assert checked.returncode == 11
    assert "farm weights pull" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_a_hub_that_refuses_has_an_exit_code_of_its_own(hub, tmp_path):
    hub.repositories.clear()
    pulled = command(hub, "pull", "--json", "--folder", str(tmp_path))
    assert pulled.returncode == 5
    assert json.loads(pulled.stderr)["error"]["code"] == "not-published"
