from __future__ import annotations

import shutil

import pytest

from farm_engine.liveavatar.checkpoints.generator import TINY, write_published_layout
from farm_engine.liveavatar.checkpoints.layout import PublishedLayout


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> PublishedLayout:
    folder = tmp_path_factory.mktemp("published")
    write_published_layout(folder, TINY)
    return PublishedLayout(folder)


@pytest.fixture
def copy(published, tmp_path) -> PublishedLayout:
    """A copy of the layout that a test may damage."""
    shutil.copytree(published.folder, tmp_path / "weights")
    return PublishedLayout(tmp_path / "weights")
