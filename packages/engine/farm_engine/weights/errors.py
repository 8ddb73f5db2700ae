"""Why weights could not be fetched, or are not as published."""

from __future__ import annotations

# Exit codes of `farm`: docs/cli.md.
HUB_UNAVAILABLE = 5
FOLDER_UNFIT = 11


class WeightsError(Exception):
    """`code` is stable; the message says what was tried, with what, and what to do next."""

    code = "weights-error"
    exit_code = FOLDER_UNFIT


class HubUnreachableError(WeightsError):
    code = "hub-unreachable"
    exit_code = HUB_UNAVAILABLE


class NotPublishedError(WeightsError):
    code = "not-published"
    exit_code = HUB_UNAVAILABLE


class DownloadCorruptError(WeightsError):
    code = "download-corrupt"
    exit_code = HUB_UNAVAILABLE


class DiskFullError(WeightsError):
    code = "disk-full"


class NotPulledError(WeightsError):
    code = "not-pulled"


class WrongFilesError(WeightsError):
    code = "wrong-files"
