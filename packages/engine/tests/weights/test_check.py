"""Checking pulled files against the inventory."""

from __future__ import annotations

import os

import pytest
from published_files import SHARD_PATH, damage

from farm_engine.weights.check import check, check_changed
from farm_engine.weights.errors import (
    NotPulledError,
)
from farm_engine.weights.inventory import EARLIER_FILE_NAME, FILE_NAME, Inventory


@pytest.mark.parametrize("how", ["missing", "wrong size", "wrong contents"])
def test_check_names_a_damaged_file_and_pull_repairs_it(hub, run_pull, how):
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
