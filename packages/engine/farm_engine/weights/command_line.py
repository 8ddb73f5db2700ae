"""The command line of `python -m farm_engine.weights`, which `farm weights` calls."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from farm_engine.weights.check import CheckedFile, check
from farm_engine.weights.errors import WeightsError, WrongFilesError
from farm_engine.weights.hub import Hub
from farm_engine.weights.inventory import Inventory, PulledFile
from farm_engine.weights.listing import ListedFile, list_files
from farm_engine.weights.pull import BroughtFile, pull
from farm_engine.weights.sizes import readable_size

DEFAULT_FOLDER = Path.home() / ".avatar-farm" / "weights"


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code of `farm`."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.action(arguments)
    except WeightsError as error:
        document = {"error": {"code": error.code, "message": str(error)}}
        print(json.dumps(document) if arguments.json else f"farm weights: {error} ({error.code})", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="farm weights", description="Fetch and verify the published weights.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, action, summary in (
        ("pull", _pull, "fetch what is missing, continuing where the last pull stopped, and verify everything"),
        ("check", _check, "compare every file with what was pulled, without the network"),
        ("list", _list, "list the files of the model and which of them are there"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="weights folder (%(default)s)")
        command.add_argument("--json", action="store_true", help="print JSON for programs")
        command.set_defaults(action=action)
        if name == "check":
            command.add_argument("--sizes-only", action="store_true", help="compare sizes, read no contents")
    return parser


def _pull(arguments: argparse.Namespace) -> None:
    def report(brought: BroughtFile) -> None:
        if arguments.json:
            step = {"number": brought.number, "count": brought.count, "fetched": brought.fetched}
            print(json.dumps({"event": "verified", **step, "file": _file_document(brought.file)}), flush=True)
        else:
            print(_brought_line(brought), flush=True)

    files = pull(arguments.folder, Hub(), report=report).files.values()
    total = sum(file.size for file in files)
    if arguments.json:
        print(json.dumps({"event": "complete", "folder": str(arguments.folder), "count": len(files), "size": total}))
    else:
        print(f"{len(files)} files, {readable_size(total)}, are complete in {arguments.folder}")


def _brought_line(brought: BroughtFile) -> str:
    file = brought.file
    state = "fetched and verified" if brought.fetched else "already there, verified"
    return f"[{brought.number}/{brought.count}] {file.path}  {readable_size(file.size)}  {state}"


def _check(arguments: argparse.Namespace) -> None:
    total = 0 if arguments.sizes_only else sum(file.size for file in Inventory.read(arguments.folder).files.values())
    # None: a bar where stderr is a terminal.
    with tqdm(total=total, unit="B", unit_scale=True, desc="reading", disable=None if total else True) as bar:
        results = check(arguments.folder, contents=not arguments.sizes_only, report=bar.update)
    if arguments.json:
        files = [{**_file_document(result.file), "state": result.state, "found": result.found} for result in results]
        _print_document({"folder": str(arguments.folder), "files": files})
    else:
        for result in results:
            print(_checked_line(result))
    wrong = [result.file.path for result in results if result.state != "right"]
    if wrong:
        raise WrongFilesError(
            f"{len(wrong)} of {len(results)} files in {arguments.folder} are not as published: {', '.join(wrong)}. "
            f"`farm weights pull --folder {arguments.folder}` fetches them again."
        )


def _checked_line(result: CheckedFile) -> str:
    return f"{result.state:14}  {readable_size(result.file.size):>10}  {result.file.path}  {result.found}".rstrip()


def _list(arguments: argparse.Namespace) -> None:
    files = list_files(arguments.folder)
    if arguments.json:
        _print_document({"folder": str(arguments.folder), "files": [asdict(file) for file in files]})
        return
    print(f"weights folder: {arguments.folder}")
    repository = ""
    for file in files:
        if file.repository != repository:
            repository = file.repository
            print(repository)
        print(f"  {_state(file):34}  {file.path.partition('/')[2]}")


def _state(file: ListedFile) -> str:
    if file.size is None:
        return "missing"
    size = f"{readable_size(file.size):>10}"
    return f"{size}  commit {file.revision[:12]}" if file.revision else f"{size}  unverified, run pull"


def _file_document(file: PulledFile) -> dict:
    """The fields that programs may rely on; the inventory may hold more."""
    return {name: getattr(file, name) for name in ("path", "size", "sha256", "repository", "revision")}


def _print_document(document: dict) -> None:
    print(json.dumps(document, indent=2))
