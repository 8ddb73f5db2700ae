"""The command line, in a process of its own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from engine_process import with_engine_on_path
from hub_server import COMMIT
from published_files import SHARD_PATH, damage

from farm_engine.weights.listing import list_files


def environment(hub) -> dict[str, str]:
    return {**with_engine_on_path(), "HF_ENDPOINT": hub.endpoint}


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


def test_the_command_line_says_why_it_fails(hub, tmp_path):
    checked = command(hub, "check", "--folder", str(tmp_path))
    assert checked.returncode == 11
    assert "farm weights pull" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_a_hub_that_refuses_has_an_exit_code_of_its_own(hub, tmp_path):
    hub.repositories.clear()
    pulled = command(hub, "pull", "--json", "--folder", str(tmp_path))
    assert pulled.returncode == 5
    assert json.loads(pulled.stderr)["error"]["code"] == "not-published"
