import { ApiError, ApiUnreachableError } from '@farm/client';
import { FarmAlreadyRunningError, PortUnavailableError, RecordsNotOfFarmError } from '@farm/local-farm';
import { FarmIdentityError } from '@farm/records';
import { CommandError } from './errors.js';
import { type ExitCode, exitCodes } from './exit-codes.js';

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof ApiUnreachableError) return exitCodes.unreachable;
  if (error instanceof ApiError) return exitCodeOfStatus(error.status);
  if (error instanceof PortUnavailableError) return exitCodes.usage;
  if (error instanceof FarmIdentityError || error instanceof RecordsNotOfFarmError) return exitCodes.conflict;
  if (error instanceof FarmAlreadyRunningError) return exitCodes.conflict;
  if (error instanceof Error && error.name === 'AbortError') return exitCodes.interrupted;
  return exitCodes.unexpected;
}

function exitCodeOfStatus(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 404 || status === 410) return exitCodes.notFound;
  if (status === 409) return exitCodes.conflict;
  if (status === 429) return exitCodes.limitReached;
  if (status >= 502 && status <= 504) return exitCodes.unreachable;
  return status >= 500 ? exitCodes.unexpected : exitCodes.refused;
}
