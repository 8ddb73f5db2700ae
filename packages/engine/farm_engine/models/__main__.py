"""Command line: `farm models` calls this."""

from __future__ import annotations

import argparse
import fnmatch
import sys
from pathlib import Path

from tqdm import tqdm

from farm_engine.models.catalog import CATALOG
from farm_engine.models.check import check
from farm_engine.models.errors import ModelsError, WrongFilesError
from farm_engine.models.hub import Hub
from farm_engine.models.manifest import Manifest, PulledFile
from farm_engine.models.pull import pull
from farm_engine.models.sizes import readable_size

DEFAULT_FOLDER = Path.home() / ".avatar-farm" / "weights"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="farm models", description="Fetch and verify the published weights.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, action, summary in (
        ("pull", _pull, "fetch what is missing, going on where the last pull ended, and verify everything"),
        ("check", _check, "compare every file with what was pulled, without the network"),
        ("list", _list, "show which files belong to the model and which are there"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="weights folder (%(default)s)")
        command.set_defaults(action=action)
        if name == "check":
            command.add_argument("--sizes-only", action="store_true", help="compare sizes, read no contents")
    arguments = parser.parse_args(argv)
    try:
        arguments.action(arguments)
    except ModelsError as error:
        print(f"farm models: {error} ({error.code})", file=sys.stderr)
        return 1
    return 0


def _pull(arguments: argparse.Namespace) -> None:
    manifest = pull(arguments.folder, Hub(), say=lambda line: print(line, flush=True))
    total = sum(file.size for file in manifest.files.values())
    print(f"{len(manifest.files)} files, {readable_size(total)}, are complete in {arguments.folder}")


def _check(arguments: argparse.Namespace) -> None:
    total = 0 if arguments.sizes_only else sum(file.size for file in Manifest.read(arguments.folder).files.values())
    with tqdm(total=total, unit="B", unit_scale=True, desc="reading", disable=not total) as bar:
        results = check(arguments.folder, contents=not arguments.sizes_only, report=bar.update)
    for result in results:
        print(f"{result.state:14}  {readable_size(result.file.size):>10}  {result.file.path}  {result.found}".rstrip())
    wrong = [result.file.path for result in results if result.state != "right"]
    if wrong:
        raise WrongFilesError(
            f"{len(wrong)} of {len(results)} files in {arguments.folder} are not as published: {', '.join(wrong)}. "
            f"`farm models pull --folder {arguments.folder}` fetches them again."
        )


def _list(arguments: argparse.Namespace) -> None:
    manifest = Manifest.read(arguments.folder)
    print(f"weights folder: {arguments.folder}")
    for repository in CATALOG:
        print(repository.name)
        base = arguments.folder / repository.folder
        pulled = [path.removeprefix(f"{repository.folder}/") for path in manifest.files]
        for pattern in repository.files:
            present = [path.relative_to(base).as_posix() for path in base.glob(pattern)]
            for name in sorted({*present, *fnmatch.filter(pulled, pattern)}) or [pattern]:
                print(f"  {_state(base / name, manifest.files.get(f'{repository.folder}/{name}')):34}  {name}")


def _state(path: Path, pulled: PulledFile | None) -> str:
    if not path.is_file():
        return "missing"
    size = readable_size(path.stat().st_size)
    return f"{size:>10}  commit {pulled.revision[:12]}" if pulled else f"{size:>10}  unverified, run pull"


if __name__ == "__main__":
    sys.exit(main())
