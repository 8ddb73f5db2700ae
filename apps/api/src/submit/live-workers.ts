import type { WorkerStatus } from '@farm/contracts';
import { listWorkers, type RecordsContext } from '@farm/records';
import type { LiveWorker } from './resolve-spec.js';

const liveStatuses: readonly WorkerStatus[] = ['starting', 'warming', 'idle', 'busy'];

export async function liveWorkers(records: RecordsContext): Promise<LiveWorker[]> {
  return (await listWorkers(records)).filter((worker) => liveStatuses.includes(worker.status));
}
