import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerStatus } from '@farm/contracts';
import { type AttemptProgress, type HeartbeatAnswer, type RecordsContext, renewLeases } from '@farm/records';
import type { Logger } from 'pino';

const HEARTBEAT_MS = 1000;

export interface Heartbeat {
  records: RecordsContext;
  workerId: string;
  instance: string;
  status(): WorkerStatus;
  attempts(): AttemptProgress[];
  onAnswer(answer: HeartbeatAnswer): void;
  /** The record of this worker is gone. */
  onUnknown(): Promise<void>;
  /** Another process has registered under this id. */
  onReplaced(): void;
  signal: AbortSignal;
  log: Logger;
}

/** Renews the leases of the worker's attempts every second, until `signal` aborts. */
export async function sendHeartbeats(heartbeat: Heartbeat): Promise<void> {
  const { records, workerId, instance, signal, log } = heartbeat;
  while (!signal.aborted) {
    try {
      const beat = { workerId, instance, status: heartbeat.status(), attempts: heartbeat.attempts() };
      const answer = await renewLeases(records, beat);
      if (answer === 'replaced') return heartbeat.onReplaced();
      if (answer) heartbeat.onAnswer(answer);
      else await heartbeat.onUnknown();
    } catch (error) {
      log.warn({ err: error }, 'the heartbeat failed');
    }
    await sleep(HEARTBEAT_MS, undefined, { signal }).catch(() => {});
  }
}
