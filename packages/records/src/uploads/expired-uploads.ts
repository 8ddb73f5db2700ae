import type { RecordsContext } from '../records-context.js';
import { Script } from '../redis/script.js';

const script = new Script({
  name: 'noteUpload',
  arguments: { key: 'text' },
  body: `
-- Keys: uploads
redis.call('ZADD', P .. 'uploads', 'NX', now, key)
return now - tonumber(redis.call('ZSCORE', P .. 'uploads', key))
`,
});

/** For how many milliseconds this uploaded file has been known; it is noted when it is seen for the first time. */
export async function noteUpload(context: RecordsContext, key: string): Promise<number> {
  return (await script.run(context.redis, { key })) as number;
}

const forgetScript = new Script({
  name: 'forgetUploads',
  arguments: { olderThanMs: 'number' },
  body: `
-- Keys: uploads
return redis.call('ZREMRANGEBYSCORE', P .. 'uploads', '-inf', now - older_than_ms)
`,
});

/** Drops the notes of files that were deleted. */
export async function forgetUploads(context: RecordsContext, olderThanMs: number): Promise<void> {
  await forgetScript.run(context.redis, { olderThanMs });
}
