import type { RecordedError } from '@farm/contracts';
import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import { workerFailures } from './worker-failures.js';

const script = new Script({
  name: 'countWorkerFailure',
  arguments: { workerId: 'text', reason: 'text' },
  body: `
${workerFailures}
blame_worker(worker_id, 'render', reason)
`,
});

/** Counts a failure that no attempt had: an engine that does not start, or a test render that failed. */
export async function countWorkerFailure(
  context: RecordsContext,
  workerId: string,
  reason: RecordedError,
): Promise<void> {
  await script.run(context.redis, { workerId, reason: JSON.stringify(reason) });
}
