"""Why weights could not be fetched or are not right."""

from __future__ import annotations


class ModelsError(Exception):
    """`code` is stable; the message says what was tried, with what, and what to do next."""

    code = "models-error"


class HubUnreachableError(ModelsError):
    code = "hub-unreachable"


class NotPublishedError(ModelsError):
    code = "not-published"


class DownloadCorruptError(ModelsError):
    code = "download-corrupt"


class DiskFullError(ModelsError):
    code = "disk-full"


class NotPulledError(ModelsError):
    code = "not-pulled"


class WrongFilesError(ModelsError):
    code = "wrong-files"
