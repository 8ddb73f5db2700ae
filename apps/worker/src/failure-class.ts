import { type FailureClass, FarmError, recordedError } from '@farm/contracts';
import type { AttemptOutcome } from '@farm/records';
import { StorageError } from '@farm/storage';
import { EngineError, EngineFailedError } from './engine/errors.js';
import { LostObjectsError, ScratchFullError, WorkerBrokenError } from './errors.js';

/**
 * What engines report of the machine rather than of the render. An unexpected exception (`engine-crashed`) is most often a
 * library or a file that is missing; where the job is to blame, two machines fail alike and it ends.
 */
const machineCodes: readonly string[] = [
  'out-of-memory',
  'out-of-host-memory',
  'engine-crashed',
  'encoder-gone',
  'too-few-frames',
  'too-many-frames',
];
/** Prefixes of codes for devices, drivers and the links between them. */
const machinePrefixes: readonly string[] = ['cuda-', 'nccl-', 'device-', 'weights-'];

/** Programs that are missing fail whatever the task is. */
const missingProgramCodes: readonly string[] = ['ffmpeg-missing', 'engine-missing'];

/** Whose failure ended an attempt; every failure of a worker gets its class here. */
export function failureClassOf(error: unknown): FailureClass {
  if (error instanceof EngineFailedError) return classOfReport(error);
  if (error instanceof EngineError) return 'machine';
  if (!(error instanceof FarmError)) return 'machine';
  if (error instanceof StorageError || error instanceof LostObjectsError) return 'storage';
  // Bad input fails everywhere, and has the status of a bad request.
  return error.status >= 400 && error.status < 500 ? 'input' : 'machine';
}

function classOfReport({ code, retriable, beforeReady, renderId }: EngineFailedError): FailureClass {
  if (beforeReady || renderId === null) return 'machine';
  if (retriable === 'never') return 'input';
  const isOfMachine = machineCodes.includes(code) || machinePrefixes.some((prefix) => code.startsWith(prefix));
  return isOfMachine ? 'machine' : 'engine';
}

/** Nothing of the task had begun: on whatever machines it happens, the task is not the reason. */
function isOfNoTask(error: unknown): boolean {
  if (error instanceof EngineError && error.beforeReady) return true;
  return error instanceof WorkerBrokenError || (error instanceof FarmError && missingProgramCodes.includes(error.code));
}

export function failedOutcome(thrown: unknown): Extract<AttemptOutcome, { status: 'failed' }> {
  const error = ScratchFullError.causedBy(thrown) ? new ScratchFullError(thrown) : thrown;
  return {
    status: 'failed',
    error: recordedError(error),
    failureClass: failureClassOf(error),
    metrics: {},
    ofNoTask: isOfNoTask(error),
    ...(error instanceof LostObjectsError && { lostObjects: error.objects }),
  };
}
