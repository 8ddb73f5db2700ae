import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerStatus } from '@farm/contracts';
import { type AttemptProgress, type HeartbeatAnswer, type RecordsContext, renewLeases } from '@farm/records';
import type { Logger } from 'pino';

const HEARTBEAT_MS = 1000;

export interface Heartbeat {
  records: RecordsContext;
  workerId: string;
  status(): WorkerStatus;
  attempts(): AttemptProgress[];
  onAnswer(answer: HeartbeatAnswer): void;
  /** The record of this worker is gone. */
  onUnknown(): Promise<void>;
  signal: AbortSignal;
  log: Logger;
}

/** Renews the leases of the worker's attempts every second, until `signal` aborts. */
export async function sendHeartbeats(heartbeat: Heartbeat): Promise<void> {
  const { records, workerId, signal, log } = heartbeat;
  let failure = '';
  while (!signal.aborted) {
    try {
      const beat = { workerId, status: heartbeat.status(), attempts: heartbeat.attempts() };
      const answer = await renewLeases(records, beat);
      if (answer) heartbeat.onAnswer(answer);
      else await heartbeat.onUnknown();
      if (failure !== '') log.info('the heartbeat arrives again');
      failure = '';
    } catch (error) {
      // A reason that stays is said once.
      if (failure !== String(error)) log.warn({ err: error }, 'the heartbeat failed');
      failure = String(error);
    }
    await sleep(HEARTBEAT_MS, undefined, { signal }).catch(() => {});
  }
}
