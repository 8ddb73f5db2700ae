import { setTimeout as sleep } from 'node:timers/promises';
import { JOBS_PREFIX, jobOfKey, taskClasses } from '@farm/contracts';
import { getJob, KEY_PREFIX, listWorkers, referencedKeys } from '@farm/records';
import { runOnce as sweepStorage } from '@farm/scheduler/clean-storage';
import { isKeptWithJob } from './check-job.js';
import type { SoakFarm } from './soak-farm.js';

/** A ticket whose consumer died comes back after its lock and the stalled check. */
const QUIET_TIMEOUT_MS = 60_000;
/** A worker that beats every second was seen since. */
const SEEN_MS = 5000;

/** What still waits, runs or is held after the last job; nothing, as it should be. */
export async function checkQuiet(farm: SoakFarm): Promise<string[]> {
  const deadline = performance.now() + QUIET_TIMEOUT_MS;
  for (;;) {
    const left = await whatIsLeft(farm);
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(500);
  }
}

async function whatIsLeft({ records, processes }: SoakFarm): Promise<string[]> {
  const { redis } = records;
  const left: string[] = [];
  const count = (what: string, number: number) => number > 0 && left.push(`${what}: ${number}`);
  count('leases', await redis.zcard(`${KEY_PREFIX}leases`));
  count('jobs that have not ended', await redis.scard(`${KEY_PREFIX}live-jobs`));
  for (const taskClass of taskClasses) {
    count(`ready ${taskClass} tasks`, await redis.zcard(`${KEY_PREFIX}ready:${taskClass}`));
    const queue = `${KEY_PREFIX}bull:tickets-${taskClass}`;
    for (const list of ['wait', 'active', 'paused'])
      count(`${list} ${taskClass} tickets`, await redis.llen(`${queue}:${list}`));
    for (const set of ['delayed', 'prioritized'])
      count(`${set} ${taskClass} tickets`, await redis.zcard(`${queue}:${set}`));
  }
  for (const [owner, running] of Object.entries(await redis.hgetall(`${KEY_PREFIX}running-by-owner`)))
    if (running !== '0') left.push(`running attempts of ${owner}: ${running}`);
  const now = Date.now();
  const workers = await listWorkers(records);
  for (const worker of workers) {
    count(`attempts of worker ${worker.id}`, await redis.scard(`${KEY_PREFIX}worker:${worker.id}:attempts`));
    const isPresent = Object.values(processes()).some((pid) => worker.id.endsWith(`-${pid}`));
    if (isPresent && worker.status !== 'idle') left.push(`worker ${worker.id} is ${worker.status}`);
    if (isPresent && now - worker.seenAt > SEEN_MS) left.push(`worker ${worker.id} is silent`);
  }
  for (const [name, pid] of Object.entries(processes()))
    if (name.startsWith('worker') && !workers.some((worker) => worker.id.endsWith(`-${pid}`)))
      left.push(`${name} (${pid}) is not registered`);
  return left;
}

/** Sweeps, then compares storage with the records: every object is referenced, and every reference leads to an object. */
export async function checkStorage({ records, storage }: SoakFarm): Promise<string[]> {
  const log = { info() {}, warn() {}, error() {} } as never;
  await sweepStorage({ records, storage, unreferencedMs: 0, log });
  const problems: string[] = [];
  const stored = new Map<string, Set<string>>();
  for await (const { key } of storage.list(JOBS_PREFIX)) {
    const jobId = jobOfKey(key)!;
    stored.set(jobId, (stored.get(jobId) ?? new Set()).add(key));
  }
  const ended = await records.redis.zrange(`${KEY_PREFIX}jobs:*:succeeded`, '0', '-1');
  for (const jobId of new Set([...stored.keys(), ...ended])) {
    if (!(await getJob(records, jobId))) problems.push(`objects of ${jobId} are stored and there is no such job`);
    const referenced = await referencedKeys(records, jobId);
    const keys = stored.get(jobId) ?? new Set();
    for (const key of keys)
      if (!referenced.has(key) && !isKeptWithJob(jobId, key))
        problems.push(`${key} is stored and nothing refers to it`);
    for (const key of referenced) if (!keys.has(key)) problems.push(`${key} is referred to and not stored`);
  }
  return problems;
}
