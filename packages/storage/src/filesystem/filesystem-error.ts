import { StorageError } from '../storage-error.js';

const sentences: Readonly<
  Record<string, (directory: string) => ['storage-full' | 'storage-misconfigured' | 'storage-unavailable', string]>
> = {
  ENOSPC: (directory) => [
    'storage-full',
    `No space is left below ${directory}. Free some or give the farm a larger volume.`,
  ],
  EDQUOT: (directory) => [
    'storage-full',
    `The disk quota below ${directory} is used up. Free some space or raise the quota.`,
  ],
  EACCES: (directory) => [
    'storage-misconfigured',
    `The farm may not read or write below ${directory}. Give its user the right.`,
  ],
  EPERM: (directory) => [
    'storage-misconfigured',
    `The farm may not read or write below ${directory}. Give its user the right.`,
  ],
  EROFS: (directory) => ['storage-misconfigured', `${directory} is mounted read-only. Mount it for writing.`],
  ENOTDIR: (directory) => ['storage-misconfigured', `${directory} is not a folder. Name another one.`],
};

export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Names a failure of the operating system; what is already a `StorageError`, or an abort, passes through. */
export function filesystemError(error: unknown, directory: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  const errno = errnoOf(error);
  if (error instanceof StorageError || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return error;
  const [code, message] = sentences[errno]?.(directory) ?? [
    'storage-unavailable',
    `The folder ${directory} cannot be used (${errno}). Check that its volume is mounted and healthy.`,
  ];
  return new StorageError(code, message, { cause: error, data: { errno } });
}
