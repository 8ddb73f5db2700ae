import { setTimeout as sleep } from 'node:timers/promises';
import { CLOCK_SKEW_WARNING_MS, type WorkerStatus } from '@farm/contracts';
import { type AttemptProgress, type HeartbeatAnswer, type RecordsContext, renewLeases } from '@farm/records';
import type { Logger } from 'pino';
import { measureClockSkew } from './clock-skew.js';

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
  let clockSkewMs: number | undefined;
  let failure = '';
  while (!signal.aborted) {
    try {
      const beat = { workerId, instance, status: heartbeat.status(), attempts: heartbeat.attempts(), clockSkewMs };
      const [answer, measuredMs] = await Promise.all([renewLeases(records, beat), measureClockSkew(records.redis)]);
      if (measuredMs !== undefined) {
        warnOfSkew(log, { measuredMs, beforeMs: clockSkewMs });
        clockSkewMs = measuredMs;
      }
      if (answer === 'replaced') return heartbeat.onReplaced();
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

/** Once when the clock goes wrong, and once when it is right again. */
function warnOfSkew(
  log: Logger,
  { measuredMs, beforeMs = 0 }: { measuredMs: number; beforeMs: number | undefined },
): void {
  const isWrong = Math.abs(measuredMs) > CLOCK_SKEW_WARNING_MS;
  if (isWrong === Math.abs(beforeMs) > CLOCK_SKEW_WARNING_MS) return;
  if (isWrong)
    log.warn(
      { clockSkewMs: measuredMs },
      "this machine's clock differs from that of the farm's Redis: set it, for example with chrony. No work is delayed by it, " +
        'but the times in its logs mislead',
    );
  else log.info({ clockSkewMs: measuredMs }, "this machine's clock agrees with that of the farm's Redis again");
}
