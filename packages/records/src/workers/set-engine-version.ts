import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'setEngineVersion',
  arguments: { workerId: 'text', version: 'text' },
  body: `
-- Keys: worker:<worker>
local key = P .. 'worker:' .. worker_id
if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'engineVersion', version) end
`,
});

/** Notes the version of an engine that was loaded after its worker had registered. */
export async function setEngineVersion(context: RecordsContext, workerId: string, version: string): Promise<void> {
  await script.run(context.redis, { workerId, version });
}
