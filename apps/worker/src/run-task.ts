import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError, objectKeys, type Retriable, recordedError } from '@farm/contracts';
import { type AttemptOutcome, type Claim, finishAttempt } from '@farm/records';
import { StorageError } from '@farm/storage';
import type { Logger } from 'pino';
import { AttemptLog } from './attempt-log.js';
import { EngineError } from './engine/errors.js';
import { LostObjectsError } from './errors.js';
import { Interrupted } from './interrupted.js';
import { patientStorage } from './patient-storage.js';
import type { TaskContext, TaskOutcome, WorkerResources } from './task-context.js';
import { assemble } from './tasks/assemble.js';
import { prepare } from './tasks/prepare.js';
import { render } from './tasks/render.js';

const taskKinds = { prepare, render, assemble } satisfies Record<
  string,
  (context: TaskContext) => Promise<TaskOutcome>
>;

export interface AttemptControl {
  signal: AbortSignal;
  draining: AbortSignal;
  scratchDirectory: string;
  reportFrames(framesDone: number): void;
  /** The worker's. */
  log: Logger;
}

/** Runs one claimed task to the end of its attempt, whatever happens in between. */
export async function runTask(resources: WorkerResources, claim: Claim, control: AttemptControl): Promise<void> {
  const { job, task, attempt } = claim;
  const { scratchDirectory, signal, draining, reportFrames } = control;
  const attemptLog = new AttemptLog(control.log, { jobId: job.id, taskId: task.id, attemptId: attempt.id });
  const { log } = attemptLog;
  const directory = await mkdtemp(join(scratchDirectory, `${attempt.id}-`));
  log.info({ kind: task.kind, attempt: attempt.number, framesCommitted: task.framesCommitted }, 'attempt started');
  const storage = patientStorage(resources.storage, { signal, log });
  const context = { ...resources, storage, claim, directory, log, signal, draining, reportFrames };
  const outcome = await attemptOutcome(context);
  const reply = await finishAttempt(resources.records, attempt.id, outcome);
  log.info({ outcome: outcome.status, accepted: reply === 'ended' }, 'attempt ended');
  await rm(directory, { recursive: true, force: true });
  await attemptLog.save(resources.storage, objectKeys.log(job.id, attempt.id));
}

async function attemptOutcome(context: TaskContext): Promise<AttemptOutcome> {
  const { task } = context.claim;
  try {
    const { result, metrics } = await taskKinds[task.kind](context);
    if (task.kind !== 'render') return { status: 'succeeded', result, metrics };
    const { engineName, engineVersion } = context.engine;
    return { status: 'succeeded', result, metrics: { ...metrics, engine: engineName, engineVersion } };
  } catch (error) {
    if (error instanceof Interrupted || context.signal.aborted) {
      context.log.info({ reason: String(error) }, 'attempt interrupted');
      return { status: 'interrupted', metrics: {} };
    }
    context.log.error({ err: error }, 'attempt failed');
    const lost = error instanceof LostObjectsError ? { lostObjects: error.keys } : {};
    return { status: 'failed', error: recordedError(error), retriable: retriableOf(error), metrics: {}, ...lost };
  }
}

/** Bad input fails everywhere; an engine says so itself; anything else may succeed on another try. */
function retriableOf(error: unknown): Retriable {
  if (error instanceof EngineError) return error.retriable;
  if (error instanceof StorageError) return 'this-worker';
  if (error instanceof FarmError && error.status >= 400 && error.status < 500) return 'never';
  return 'another-worker';
}
