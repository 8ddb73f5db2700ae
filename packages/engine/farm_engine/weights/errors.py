"""Why weights could not be fetched or are not right."""

from __future__ import annotations

# Exit codes of `farm`: docs/cli.md.
HUB_UNAVAILABLE = 5
FOLDER_UNFIT = 11


class ModelsError(Exception):
    """`code` is stable; the message says what was tried, with what, and what to do next."""

    code = "models-error"
    exit_code = FOLDER_UNFIT


class HubUnreachableError(ModelsError):
    code = "hub-unreachable"
    exit_code = HUB_UNAVAILABLE


class NotPublishedError(ModelsError):
    code = "not-published"
    exit_code = HUB_UNAVAILABLE


class DownloadCorruptError(ModelsError):
    code = "download-corrupt"
    exit_code = HUB_UNAVAILABLE


class DiskFullError(ModelsError):
    code = "disk-full"


class NotPulledError(ModelsError):
    code = "not-pulled"


class WrongFilesError(ModelsError):
    code = "wrong-files"
