"""Apply each mutation to a copy of the engine, run the tests that should notice, and count the mutations caught.

python -m tests.mutations.run [PART OF A NAME ...] [--jobs N] [--without TEST_FILE ...]   (from packages/engine)

The working tree is never changed. Exit status 1 if a mutation survives; 2 if one does not fit the source, or if a test
fails without any mutation: what it catches would mean nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutations.catalog import MUTATIONS
from tests.mutations.mutation import SOURCE, TESTS, Mutation

PACKAGE = Path(__file__).parents[2]
COPIED = (SOURCE, "tests", "pyproject.toml")
ALL_PASSED, SOME_FAILED, NONE_RUN = 0, 1, 5


class Bench:
    """A copy of the package per thread, in which one mutation at a time is tried."""

    def __init__(self, folder: Path, *, without: list[str]) -> None:
        self._folder, self._without = folder, {f"{TESTS}/{test}" for test in without}
        self._of_thread = threading.local()

    def first_failure(self, tests: Iterable[str]) -> str | None:
        """The first of the tests of these files that fails, None if all pass."""
        return _first_failure(self._copy(), [test for test in tests if test not in self._without])

    def judge(self, mutation: Mutation) -> str | None:
        """The first test that fails with `mutation`, None if it survives."""
        package = self._copy()
        path = package / SOURCE / mutation.file
        original = path.read_text()
        path.write_text(mutation.changed(package))
        try:
            failed = self.first_failure(mutation.tests)
        finally:
            path.write_text(original)
        print(
            f"{'survived' if failed is None else 'caught':9} {mutation.breaks:58} {failed or mutation.file}", flush=True
        )
        return failed

    def _copy(self) -> Path:
        if not hasattr(self._of_thread, "package"):
            self._of_thread.package = Path(tempfile.mkdtemp(dir=self._folder))
            for name in COPIED:
                source, target = PACKAGE / name, self._of_thread.package / name
                shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        return self._of_thread.package


def _first_failure(package: Path, tests: list[str]) -> str | None:
    if not tests:
        return None
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests]
    search_path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    # Source that changes twice within a second would be taken from a stale .pyc file.
    environment = {**os.environ, "PYTHONPATH": search_path, "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True)
    if run.returncode in (ALL_PASSED, NONE_RUN):
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.MULTILINE)
    if run.returncode != SOME_FAILED or found is None:
        raise RuntimeError(f"pytest ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    return found[1].removeprefix(f"{TESTS}/")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only mutations whose name contains one of these")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--without", nargs="*", default=[], help="test files to leave out, below tests/liveavatar")
    options = parser.parse_args()
    chosen = [m for m in MUTATIONS if not options.names or any(name in m.breaks for name in options.names)]
    try:
        for mutation in chosen:
            mutation.changed(PACKAGE)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        bench = Bench(Path(folder), without=options.without)
        unmutated = pool.map(lambda test: bench.first_failure([test]), {test for m in chosen for test in m.tests})
        if failed := [test for test in unmutated if test is not None]:
            print(f"without any mutation these fail: {', '.join(failed)}", file=sys.stderr)
            return 2
        results = list(pool.map(bench.judge, chosen))
    caught = sum(failed is not None for failed in results)
    print(f"{caught} of {len(chosen)} caught")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
