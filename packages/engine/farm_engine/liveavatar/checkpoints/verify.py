"""Verification at the engine's start: are the files still those that were pulled?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from farm_engine.liveavatar.checkpoints.errors import WeightsMissingError, WeightsWrongError
from farm_engine.weights.check import check_changed
from farm_engine.weights.inventory import PulledFile, inventory_path


def require_as_pulled(folder: Path, announce: Callable[[PulledFile], None] = lambda file: None) -> None:
    """Raises WeightsMissingError or WeightsWrongError for the first file that is not as pulled.

    Sizes and times are compared; a file is read, and its SHA-256 compared, only where these differ: reading 47 GB
    at every start would take longer than loading them. A folder without an inventory is not checked.
    `announce` is called before a file is read.
    """
    try:
        checks = check_changed(folder, announce)
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsWrongError(
            inventory_path(folder), f"it is not an inventory of pulled files ({error!r})"
        ) from error
    for checked in checks:
        path = folder / checked.file.path
        if checked.state == "missing":
            raise WeightsMissingError(path)
        if checked.state != "right":
            raise WeightsWrongError(path, f"it has the {checked.state}: {checked.found}", kind=checked.state)
