import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { objectKeys } from '@farm/contracts';
import { type AttemptOutcome, type Claim, finishAttempt } from '@farm/records';
import type { Logger } from 'pino';
import { AttemptLog } from './attempt-log.js';
import { WorkerBrokenError } from './errors.js';
import { failedOutcome } from './failure-class.js';
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

/**
 * Runs one claimed task to the end of its attempt, whatever happens in between: its folder goes and its log is stored,
 * also when the attempt cannot be ended; then its lease runs out.
 */
export async function runTask(
  resources: WorkerResources,
  claim: Claim,
  control: AttemptControl,
): Promise<AttemptOutcome> {
  const { job, task, attempt } = claim;
  const attemptLog = new AttemptLog(control.log, { jobId: job.id, taskId: task.id, attemptId: attempt.id });
  const { log } = attemptLog;
  log.info({ kind: task.kind, attempt: attempt.number, framesCommitted: task.framesCommitted }, 'attempt started');
  const directory = await mkdtemp(join(control.scratchDirectory, `${attempt.id}-`)).catch(
    (error: unknown) => new WorkerBrokenError(error),
  );
  const outcome =
    directory instanceof WorkerBrokenError
      ? failedAttempt(directory, log)
      : await attemptOutcome(contextOf(resources, claim, { ...control, log, directory }));
  await end(resources, attempt.id, outcome, log);
  if (typeof directory === 'string')
    await rm(directory, { recursive: true, force: true }).catch((error: unknown) =>
      log.warn({ err: error, directory }, 'the folder of this attempt could not be removed'),
    );
  await attemptLog.save(resources.storage, objectKeys.log(job.id, attempt.id));
  return outcome;
}

function contextOf(
  resources: WorkerResources,
  claim: Claim,
  { signal, draining, reportFrames, log, directory }: AttemptControl & { directory: string },
): TaskContext {
  const storage = patientStorage(resources.storage, { signal, log });
  return { ...resources, storage, claim, directory, log, signal, draining, reportFrames };
}

async function end(
  { records }: WorkerResources,
  attemptId: string,
  outcome: AttemptOutcome,
  log: Logger,
): Promise<void> {
  try {
    const reply = await finishAttempt(records, attemptId, outcome);
    log.info({ outcome: outcome.status, accepted: reply === 'ended' }, 'attempt ended');
  } catch (error) {
    // A Redis that accepts no writes, full or with a full disk, is no reason to unload the engine.
    log.error({ err: error, outcome: outcome.status }, 'the attempt could not be ended; its lease runs out');
  }
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
    return failedAttempt(error, context.log);
  }
}

function failedAttempt(error: unknown, log: Logger): AttemptOutcome {
  const outcome = failedOutcome(error);
  log.error({ err: error, failureClass: outcome.failureClass }, 'attempt failed');
  return outcome;
}
