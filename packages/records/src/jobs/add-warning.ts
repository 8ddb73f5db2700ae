import type { Warning } from '@farm/contracts';
import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

/** More than a person reads; an engine may make up codes without end. */
const MAX_WARNINGS = 100;

const script = new Script({
  name: 'addWarning',
  arguments: { jobId: 'text', code: 'text', message: 'text' },
  body: `
-- Keys: job:<job>
local key = P .. 'job:' .. job_id
local text = redis.call('HGET', key, 'warnings')
if not text then return end
local warnings = cjson.decode(text)
if #warnings >= ${MAX_WARNINGS} then return 0 end
for _, warning in ipairs(warnings) do
  if warning.code == code then return end
end
warnings[#warnings + 1] = {code = code, message = message}
redis.call('HSET', key, 'warnings', cjson.encode(warnings))
`,
});

/** Tells the person something that did not stop the job; each code once. */
export async function addWarning(context: RecordsContext, jobId: string, warning: Warning): Promise<void> {
  await script.run(context.redis, { jobId, code: warning.code, message: warning.message });
}
