import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded } from '@farm/contracts';
import { getAttempts, getJob, getTasks, type RecordsContext } from '@farm/records';
import type { SoakFarm } from './soak-farm.js';

const POLL_MS = 50;

/** Reads the record, past the proxy. @returns its status; undefined when the job did not end in time */
export async function waitUntilEnded(
  { records, signal }: Pick<SoakFarm, 'records' | 'signal'>,
  jobId: string,
  timeoutMs: number,
): Promise<string | undefined> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    const status = (await getJob(records, jobId))?.status;
    if (status !== undefined && hasEnded(status)) return status;
    await sleep(POLL_MS, undefined, { signal });
  }
  return undefined;
}

/** A line per task of a job, for whoever looks for what went wrong. */
export async function describeTasks(records: RecordsContext, jobId: string): Promise<string[]> {
  const lines: string[] = [];
  for (const task of await getTasks(records, jobId)) {
    const attempts = (await getAttempts(records, task.id)).map(
      ({ status, error, workerId }) => `${status}${error ? ` (${error.code})` : ''} on ${workerId}`,
    );
    lines.push(`${task.id.slice(27)} ${task.status}: ${attempts.join(', ') || 'no attempt'}`);
  }
  return lines;
}
