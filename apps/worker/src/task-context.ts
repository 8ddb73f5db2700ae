import type { MediaTools } from '@farm/media';
import type { Claim, RecordsContext } from '@farm/records';
import type { Logger } from 'pino';
import type { ResidentEngine } from './engine/resident-engine.js';
import type { TaskStorage } from './patient-storage.js';

/** What the process gives to every task. */
export interface WorkerResources {
  records: RecordsContext;
  storage: TaskStorage;
  media: MediaTools;
  engine: ResidentEngine;
  maximumSpeechSeconds: number;
}

/** What one attempt works with. */
export interface TaskContext extends WorkerResources {
  claim: Claim;
  /** A folder of this attempt's own; removed when it ends. */
  directory: string;
  log: Logger;
  /** Aborts when the attempt must stop now: canceled, fenced, or the worker is asked to leave. */
  signal: AbortSignal;
  /** Aborts when the worker drains: finish the piece under way, then return the rest. */
  draining: AbortSignal;
  /** For the heartbeat: frames that this attempt has passed to encoders. */
  reportFrames(framesDone: number): void;
}

/** What a task ends with: the result for the record, and figures for the manifest. */
export interface TaskOutcome {
  result: unknown;
  metrics: Record<string, unknown>;
}
