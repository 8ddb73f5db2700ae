"""What a Hugging Face hub (or a mirror, `HF_ENDPOINT`) publishes, and how one file is fetched from it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HTTPError,  # the HTTP client's own base class; which client that is depends on the version of huggingface_hub
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from farm_engine.weights.catalog import Repository
from farm_engine.weights.errors import HubUnreachableError, NotPublishedError
from farm_engine.weights.inventory import git_blob_of, sha256_of

ATTEMPTS = 5
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """One file of a repository at a commit. Large files have a SHA-256, small ones the id of their git blob."""

    repository: Repository
    revision: str
    name: str
    size: int
    sha256: str | None
    git_blob: str

    @property
    def path(self) -> str:
        """Where it goes, below the weights folder."""
        return f"{self.repository.folder}/{self.name}"

    def is_at(self, path: Path) -> bool:
        """Whether the file at `path` has the published contents."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        return sha256_of(path) == self.sha256 if self.sha256 else git_blob_of(path) == self.git_blob


class Hub:
    """A hub. `wait` sleeps between attempts; the first waits one second, each next one twice as long."""

    def __init__(self, endpoint: str | None = None, *, wait: Callable[[float], None] = time.sleep) -> None:
        self.endpoint = endpoint or constants.ENDPOINT
        self._api = HfApi(endpoint=self.endpoint)
        self._wait = wait

    def files_of(self, repository: Repository) -> list[PublishedFile]:
        """The files that the engine needs. Raises NotPublishedError, HubUnreachableError."""
        info = self._try(
            f"list the files of {repository.name}",
            lambda: self._api.model_info(repository.name, files_metadata=True),
        )
        found = []
        for pattern in repository.files:
            matching = [file for file in info.siblings if fnmatch(file.rfilename, pattern)]
            if not matching:
                raise NotPublishedError(
                    f"{self.endpoint} publishes no {pattern} in {repository.name} at commit {info.sha}. If this is a "
                    "mirror it may be incomplete: set HF_ENDPOINT to another one."
                )
            found += [
                PublishedFile(
                    repository=repository,
                    revision=info.sha,
                    name=file.rfilename,
                    size=file.size,
                    sha256=file.lfs.sha256 if file.lfs else None,
                    git_blob=file.blob_id,
                )
                for file in matching
            ]
        return found

    def fetch(self, file: PublishedFile, path: Path) -> None:
        """Download to `path`, continuing after the bytes that are there already.

        `hf_hub_download` is not used: since version 2 it restarts in every process, and a shard has 10 GB.
        Raises NotPublishedError, HubUnreachableError.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self._try(f"download {file.name} of {file.repository.name}", lambda: self._fetch_rest(file, path))

    def _fetch_rest(self, file: PublishedFile, path: Path) -> None:
        with path.open("r+b") as part:
            present = part.seek(0, os.SEEK_END)
            if present == file.size:
                return
            if present > file.size:
                present = part.truncate(part.seek(0))
            http_get(
                hf_hub_url(file.repository.name, file.name, revision=file.revision, endpoint=self.endpoint),
                part,
                resume_size=present,
                headers=build_hf_headers(),
                expected_size=file.size,
                displayed_filename=file.name,
            )

    def _try(self, attempt: str, action: Callable[[], _Result]) -> _Result:
        """Run `action`, and retry after temporary failures: lost connections, truncated bodies, 429 and 5xx."""
        for remaining in reversed(range(ATTEMPTS)):
            try:
                return action()
            except (HTTPError, OSError) as error:
                if _is_final(error):
                    raise NotPublishedError(
                        f"{self.endpoint} refused to {attempt}: {_first_line(error)} If the repository is gated, log "
                        "in with `hf auth login`; if this is a mirror, set HF_ENDPOINT to another one."
                    ) from error
                if not remaining:
                    raise HubUnreachableError(
                        f"Could not {attempt} from {self.endpoint} in {ATTEMPTS} attempts: {_first_line(error)} Check "
                        "the network, or set HF_ENDPOINT to a mirror; what was downloaded is kept, and the next pull "
                        "continues from there."
                    ) from error
                self._wait(2.0 ** (ATTEMPTS - 1 - remaining))
        raise AssertionError("unreachable")


def _is_final(error: Exception) -> bool:
    if isinstance(error, LocalEntryNotFoundError):  # no response from the hub
        return False
    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError | EntryNotFoundError):
        return True
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    return 400 <= status < 500 and status != 429


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."
