// The cost of one claim when few, many and very many tasks are ready, as the worker sees it and as Redis sees it.
import { createJob, finishAttempt, LEASE_MS } from '@farm/records';
import { claimed, finishPrepare, mediaClaimant, newJob } from './support/played-job.mjs';
import { withPrivateRedis } from './support/private-redis.mjs';
import { provenance } from './support/provenance.mjs';
import { latency, median, round } from './support/quantiles.mjs';

/** Jobs, and segments per job, that are added to reach each count of ready tasks. */
const LEVELS = [
  { ready: 100, jobs: 10, segments: 10 },
  { ready: 10_000, jobs: 99, segments: 100 },
  { ready: 100_000, jobs: 90, segments: 1000 },
];
const OWNERS = 10;
const TURNS = 10;
const CLAIMS_PER_TURN = 50;
const BARE_KEY = '{farm}:benchmark';
const claimant = { workerId: 'benchmark-1', classes: ['cpu'], engine: 'draft', warmKey: '', leaseMs: LEASE_MS };

async function addReadyTasks(records, { jobs, segments }) {
  for (let index = 0; index < jobs; index += 1) {
    await createJob(records, newJob({ owner: `owner-${index % OWNERS}` }));
    const claim = await claimed(records, mediaClaimant);
    await finishPrepare(records, claim, { segmentCount: segments, segmentFrames: 48 });
  }
}

/** A sorted set as large as the ready index: removing its first member is the minimum that any claim costs. */
async function fillBareSet(redis, count) {
  const missing = count - (await redis.zcard(BARE_KEY));
  for (let left = missing; left > 0; left -= 1000) {
    const members = Array.from({ length: Math.min(1000, left) }, (_, index) => [50, `task-${left - index}`]);
    await redis.zadd(BARE_KEY, ...members.flat());
  }
}

async function timed(samples, work) {
  const start = performance.now();
  const result = await work();
  samples.push(performance.now() - start);
  return result;
}

/** Mean time that one script has blocked Redis, and so everyone else, since the statistics were reset. */
async function scriptMs(redis) {
  const statistics = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:.*usec_per_call=([\d.]+)/.exec(statistics)[1]) / 1000;
}

async function measureLevel(records, level) {
  const { redis } = records;
  await addReadyTasks(records, level);
  await fillBareSet(redis, level.ready);
  const samples = { claim: [], bare: [] };
  const redisBusyMs = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const claims = [];
    await redis.config('RESETSTAT');
    for (let index = 0; index < CLAIMS_PER_TURN; index += 1) {
      claims.push(await timed(samples.claim, () => claimed(records, claimant)));
      const [member, score] = await timed(samples.bare, () => redis.zpopmin(BARE_KEY));
      await redis.zadd(BARE_KEY, score, member);
    }
    redisBusyMs.push(await scriptMs(redis));
    for (const claim of claims) await finishAttempt(records, claim.attempt.id, { status: 'interrupted', metrics: {} });
  }
  const ready = await redis.zcard('{farm}:ready:cpu');
  if (ready !== level.ready) throw new Error(`${level.ready} tasks should be ready and ${ready} are.`);
  return {
    ready,
    claim: latency(samples.claim),
    bareZpopmin: latency(samples.bare),
    redisBusyMs: round(median(redisBusyMs)),
  };
}

const result = await withPrivateRedis(async ({ redis }) => {
  const records = { redis, enqueue: async () => {} };
  const facts = await provenance(redis);
  const levels = [];
  for (const level of LEVELS) levels.push(await measureLevel(records, level));
  const [few, , most] = levels;
  const ratios = {
    'claim, 100,000 ready over 100 ready, p50': most.claim.p50Ms / few.claim.p50Ms,
    'claim, 100,000 ready over 100 ready, p99': most.claim.p99Ms / few.claim.p99Ms,
    'claim over a bare ZPOPMIN at 100,000 ready, p50': most.claim.p50Ms / most.bareZpopmin.p50Ms,
  };
  return { ...facts, ratios, levels };
});
process.stdout.write(JSON.stringify(result));
