// The time from a render task being ready until an idle worker, in another process, has claimed it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { classesHeldBy } from '@farm/contracts';
import { openTicketQueues } from '@farm/queue';
import { createJob } from '@farm/records';
import { claimed, finishPrepare, mediaClaimant, newJob } from './support/played-job.mjs';
import { withPrivateRedis } from './support/private-redis.mjs';
import { provenance } from './support/provenance.mjs';
import { latency } from './support/quantiles.mjs';

const SAMPLES = 200;
const WARM_UP = 10;
/** Long enough for the worker to wait in its BZPOPMIN again. */
const PAUSE_MS = 15;
const idleWorker = fileURLToPath(new URL('support/idle-worker.mjs', import.meta.url));
const nowNs = () => Number(process.hrtime.bigint());

/** The waiting worker and the class of the task it waits for: the last of the classes that it holds. */
const WORKERS = {
  oneQueue: { engine: 'draft', held: 'cpu', taskClass: 'cpu' },
  fourQueues: { engine: 'liveavatar', held: '80g', taskClass: '16g' },
};

async function startIdleWorker(url, { engine, held }) {
  const child = fork(idleWorker, [url, engine, ...classesHeldBy(held)]);
  return {
    /** Milliseconds from `since` until the worker says that it has what `make` made. */
    async taken(make) {
      const message = once(child, 'message');
      const { what, sinceNs } = await make();
      const [said] = await message;
      if (said.what !== what) throw new Error(`The idle worker took ${said.what} instead of ${what}.`);
      return (said.atNs - sinceNs) / 1e6;
    },
    async stop() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

/** Makes one render task ready the way the farm does; the clock starts when the record says so. */
async function makeTaskReady(redis, queues, { engine, taskClass }) {
  let ready;
  const withoutTickets = { redis, enqueue: async () => {} };
  const withTickets = {
    redis,
    async enqueue(tickets) {
      ready = { what: tickets[0].taskId, sinceNs: nowNs() };
      await queues.add(tickets);
    },
  };
  await createJob(withoutTickets, newJob({ engine, vramClass: taskClass }));
  const claim = await claimed(withoutTickets, mediaClaimant);
  await finishPrepare(withTickets, claim, { segmentCount: 1, segmentFrames: 48 });
  return ready;
}

async function addBareMember(redis, index) {
  const sinceNs = nowNs();
  await redis.zadd('{farm}:benchmark', 0, `bare-${index}`);
  return { what: `bare-${index}`, sinceNs };
}

async function measure({ redis, url }, options) {
  const queues = openTicketQueues(redis);
  const worker = await startIdleWorker(url, options);
  const samples = { task: [], bare: [] };
  try {
    for (let index = 0; index < SAMPLES + WARM_UP; index += 1) {
      const task = await worker.taken(() => makeTaskReady(redis, queues, options));
      await sleep(PAUSE_MS);
      const bare = await worker.taken(() => addBareMember(redis, index));
      await sleep(PAUSE_MS);
      if (index < WARM_UP) continue;
      samples.task.push(task);
      samples.bare.push(bare);
    }
  } finally {
    await worker.stop();
    await queues.close();
  }
  return { pickUp: latency(samples.task), bareBzpopmin: latency(samples.bare) };
}

const result = await withPrivateRedis(async (server) => {
  const facts = await provenance(server.redis);
  const oneQueue = await measure(server, WORKERS.oneQueue);
  const fourQueues = await measure(server, WORKERS.fourQueues);
  const ratios = {
    'pick-up over a bare BZPOPMIN, one queue, p10': oneQueue.pickUp.p10Ms / oneQueue.bareBzpopmin.p10Ms,
    'pick-up over a bare BZPOPMIN, one queue, p50': oneQueue.pickUp.p50Ms / oneQueue.bareBzpopmin.p50Ms,
    'pick-up over a bare BZPOPMIN, one queue, p99': oneQueue.pickUp.p99Ms / oneQueue.bareBzpopmin.p99Ms,
    'pick-up, last of four queues over one queue, p50': fourQueues.pickUp.p50Ms / oneQueue.pickUp.p50Ms,
  };
  return { ...facts, ratios, oneQueue, fourQueues };
});
process.stdout.write(JSON.stringify(result));
