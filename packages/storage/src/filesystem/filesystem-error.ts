import { StorageError } from '../errors.js';
import {
  DiskFullError,
  DiskQuotaReachedError,
  type FilesystemFailure,
  FolderForbiddenError,
  FolderReadOnlyError,
  FolderUnavailableError,
  NotAFolderError,
} from './errors.js';

const errorByErrno: Readonly<Record<string, new (failure: FilesystemFailure) => StorageError>> = {
  ENOSPC: DiskFullError,
  EDQUOT: DiskQuotaReachedError,
  EACCES: FolderForbiddenError,
  EPERM: FolderForbiddenError,
  EROFS: FolderReadOnlyError,
  ENOTDIR: NotAFolderError,
};

export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

export const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');

/** Names a failure of the operating system; what is already a `StorageError`, or an abort, passes through. */
export function filesystemError(error: unknown, directory: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  const errno = errnoOf(error);
  if (error instanceof StorageError || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return error;
  const NamedError = errorByErrno[errno] ?? FolderUnavailableError;
  return new NamedError({ directory, errno, cause: error });
}
