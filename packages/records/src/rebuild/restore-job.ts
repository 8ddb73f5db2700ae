import { createJob } from '../jobs/create-job.js';
import { rememberDeletedJob } from '../jobs/deleted-jobs.js';
import { getJob } from '../jobs/get-job.js';
import type { StoredInput, VideoFacts } from '../jobs/job-record.js';
import { RECORD_SCHEMA } from '../record-schema.js';
import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';
import type { StoredJob } from './read-stored-job.js';

const script = new Script({
  name: 'restoreJob',
  arguments: { jobId: 'text', owner: 'text', status: 'text', createdAt: 'number' },
  list: { name: 'fields', columns: ['name', 'value'] },
  body: `
-- Keys: job:<job>, deleted-jobs, jobs:<owner>:all and :<status>
local key = P .. 'job:' .. job_id
if redis.call('EXISTS', key) == 1 or redis.call('ZSCORE', P .. 'deleted-jobs', job_id) then return 0 end
redis.call('HSET', key, 'id', job_id, 'owner', owner, 'status', status, 'createdAt', created_at)
for _, field in ipairs(fields) do redis.call('HSET', key, field.name, field.value) end
for _, scope in ipairs({owner, '*'}) do
  redis.call('ZADD', P .. 'jobs:' .. scope .. ':all', created_at, job_id)
  redis.call('ZADD', P .. 'jobs:' .. scope .. ':' .. status, created_at, job_id)
end
return 1
`,
});

/** Writes the record of a job again; nothing happens where there is one. */
export async function restoreJob(context: RecordsContext, stored: StoredJob): Promise<void> {
  if (stored.kind === 'deleted') await rememberDeletedJob(context, stored.jobId);
  else if (stored.kind === 'finished') await restoreFinished(context, stored);
  else if (stored.kind === 'ended') await restoreEnded(context, stored);
  else if (stored.kind === 'unfinished') await submitAgain(context, stored);
}

/** As a job whose details were dropped: its manifest has them. */
const ENDED_FIELDS = { schema: RECORD_SCHEMA, runningAttempts: 0, rendersLeft: 0, shrunk: 1, rebuilt: 1 };

async function restoreFinished(
  { redis }: RecordsContext,
  { jobId, video, file, sizes }: Extract<StoredJob, { kind: 'finished' }>,
): Promise<void> {
  const { manifest, spec, manifestKey, posterKey } = video;
  const { key, sha256, bytes, frameCount, seconds, width, height } = manifest.video;
  const facts: VideoFacts = {
    key,
    sha256,
    bytes,
    frameCount,
    seconds,
    width,
    height,
    manifestKey,
    ...(posterKey && { posterKey }),
  };
  const input = (of: { key: string; sha256: string }): StoredInput => {
    return { key: of.key, sha256: of.sha256, bytes: sizes.get(of.key) ?? 0 };
  };
  const started = manifest.attempts
    .filter(({ taskId }) => taskId.includes('-render'))
    .map((each) => Date.parse(each.startedAt));
  const given = { jobId, owner: manifest.owner, status: 'succeeded', createdAt: Date.parse(manifest.createdAt) };
  await script.run(
    redis,
    given,
    rowsOf({
      ...ENDED_FIELDS,
      startedAt: started.length > 0 ? Math.min(...started) : '',
      endedAt: Date.parse(manifest.endedAt),
      frameCount,
      framesCommitted: frameCount,
      spec: JSON.stringify(spec),
      // Manifests do not name the class; that of the model is the one that it needs.
      vramClass: file?.vramClass ?? (spec.engine === 'draft' ? 'cpu' : '80g'),
      portrait: JSON.stringify(input(manifest.inputs.portrait)),
      speech: JSON.stringify(input(manifest.inputs.speech)),
      warnings: JSON.stringify(manifest.warnings),
      video: JSON.stringify(facts),
    }),
  );
}

async function restoreEnded(
  { redis }: RecordsContext,
  { jobId, file, ending }: Extract<StoredJob, { kind: 'ended' }>,
): Promise<void> {
  const given = { jobId, owner: file.owner, status: ending.status, createdAt: Date.parse(file.createdAt) };
  await script.run(
    redis,
    given,
    rowsOf({
      ...ENDED_FIELDS,
      endedAt: Date.parse(ending.endedAt),
      framesCommitted: 0,
      spec: JSON.stringify(file.spec),
      vramClass: file.vramClass,
      portrait: JSON.stringify(file.portrait),
      speech: JSON.stringify(file.speech),
      warnings: JSON.stringify(file.warnings),
      error: ending.error ? JSON.stringify(ending.error) : '',
    }),
  );
}

const rowsOf = (fields: Record<string, string | number>) =>
  Object.entries(fields).map(([name, value]) => ({ name, value }));

/** From its inputs: what attempts had made is theirs, and no record of them is left. */
async function submitAgain(
  context: RecordsContext,
  { file }: Extract<StoredJob, { kind: 'unfinished' }>,
): Promise<void> {
  const { schema: _schema, createdAt, idempotency, ...job } = file;
  if ((await getJob(context, job.id)) !== undefined) return;
  await createJob(context, { ...job, createdAt: Date.parse(createdAt), ...(idempotency && { idempotency }) });
}
