import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import { Script } from '../redis/script.js';

/** Where the same engine takes as long to load again: ids of workers may change with every start. */
export interface EngineHome {
  host: string;
  engine: string;
}

const KEY = 'engine-loads';
const fieldOf = ({ host, engine }: EngineHome) => `${engine} ${host}`;

const script = new Script({
  name: 'addEngineLoad',
  arguments: { field: 'text', loadMs: 'number' },
  body: `
-- Keys: engine-loads (the longest load that succeeded, by engine and host)
local longest = tonumber(redis.call('HGET', P .. '${KEY}', field) or '0')
if load_ms > longest then redis.call('HSET', P .. '${KEY}', field, load_ms) end
`,
});

/** Remembers how long an engine took to load, where that is longer than before. */
export async function addEngineLoad({ redis }: RecordsContext, home: EngineHome, loadMs: number): Promise<void> {
  await script.run(redis, { field: fieldOf(home), loadMs: Math.ceil(loadMs) });
}

export async function longestEngineLoad({ redis }: RecordsContext, home: EngineHome): Promise<number | undefined> {
  const text = await redis.hget(`${KEY_PREFIX}${KEY}`, fieldOf(home));
  return text === null ? undefined : Number(text);
}
