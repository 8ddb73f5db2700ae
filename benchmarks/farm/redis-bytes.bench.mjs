// Bytes of Redis that a job of 10 segments and 50 pieces needs while it runs, after it has ended, and once it has shrunk.
import { openTicketQueues, TicketConsumer } from '@farm/queue';
import {
  claimTask,
  commitPiece,
  createJob,
  finishAttempt,
  KEY_PREFIX,
  LEASE_MS,
  registerWorker,
  renewLeases,
  shrinkEndedJobs,
} from '@farm/records';
import { finishPrepare, newJob, newPiece, newVideo } from './support/played-job.mjs';
import { withPrivateRedis } from './support/private-redis.mjs';
import { provenance } from './support/provenance.mjs';
import { measureMemory } from './support/redis-memory.mjs';

/** Newer jobs are more urgent, so that each claim comes from the newest job; there are 100 priorities. */
const JOBS = 90;
const SEGMENTS = 10;
const PIECES_PER_SEGMENT = 5;
const FRAMES = 48;
/** A "running" job here: four segments done, two half done, four waiting with their tickets. */
const PIECES_WHILE_RUNNING = [5, 5, 5, 5, 3, 2];
const workerId = 'benchmark-worker-1';
const claimants = {
  host: { workerId, classes: ['media'], engine: '', warmKey: '', leaseMs: LEASE_MS },
  cpu: { workerId, classes: ['cpu'], engine: 'draft', warmKey: '', leaseMs: LEASE_MS },
};

async function openWorker(redis) {
  const queues = openTicketQueues(redis);
  const records = { redis, enqueue: queues.add };
  const takers = { host: new TicketConsumer(redis, ['media']), cpu: new TicketConsumer(redis, ['cpu']) };
  const never = new AbortController().signal;
  await registerWorker(records, {
    id: workerId,
    vramClass: 'cpu',
    engine: 'draft',
    engineVersion: '0.1.0',
    host: 'benchmark',
    gpu: null,
  });
  return {
    records,
    /** Takes a ticket and claims, as a worker's slot does. */
    take(taskClass) {
      const claim = async () => {
        const outcome = await claimTask(records, claimants[taskClass]);
        return typeof outcome === 'string' ? outcome : { work: outcome };
      };
      return takers[taskClass].next(claim, never);
    },
    async close() {
      await Promise.all(Object.values(takers).map((taker) => taker.close()));
      await queues.close();
    },
  };
}

/** Commits pieces `from` to `to` of a claimed segment, with one heartbeat per piece. */
async function commitPieces({ records }, claim, { from, to }) {
  for (let index = from; index < to; index += 1) {
    await beat(records, claim, index * FRAMES + 24);
    const piece = newPiece(claim, index * FRAMES, FRAMES);
    const outcome = await commitPiece(records, { taskId: claim.task.id, attemptId: claim.attempt.id, piece });
    if (outcome !== 'committed') throw new Error(`Piece ${index} of ${claim.task.id}: ${outcome}.`);
  }
}

async function beat(records, { attempt }, framesDone) {
  const attempts = [{ attemptId: attempt.id, framesDone, framesPerSecond: 61.27 }];
  await renewLeases(records, { workerId, status: 'busy', attempts });
}

async function finishRender({ records }, claim) {
  const metrics = {
    frames: PIECES_PER_SEGMENT * FRAMES,
    renderSeconds: 3.917245,
    framesPerSecond: 61.26763452,
    peakBytes: 214_765_568,
    engine: 'draft',
    engineVersion: '0.1.0',
  };
  const reply = await finishAttempt(records, claim.attempt.id, { status: 'succeeded', result: {}, metrics });
  if (reply !== 'ended') throw new Error(`${claim.task.id}: ${reply}.`);
}

/** @returns the two claims that are half done */
async function bringToRunning(worker, priority) {
  await createJob(worker.records, newJob({ priority }));
  const prepare = await worker.take('media');
  await finishPrepare(worker.records, prepare, { segmentCount: SEGMENTS, segmentFrames: PIECES_PER_SEGMENT * FRAMES });
  const unfinished = [];
  for (const count of PIECES_WHILE_RUNNING) {
    const claim = await worker.take('cpu');
    if (claim.job.id !== prepare.job.id) throw new Error(`${claim.task.id} was claimed out of turn.`);
    await commitPieces(worker, claim, { from: 0, to: count });
    if (count === PIECES_PER_SEGMENT) await finishRender(worker, claim);
    else unfinished.push({ claim, count });
  }
  return unfinished;
}

async function bringToEnd(worker, unfinished, jobs) {
  for (const { claim, count } of unfinished) {
    await commitPieces(worker, claim, { from: count, to: PIECES_PER_SEGMENT });
    await finishRender(worker, claim);
  }
  for (let left = jobs * (SEGMENTS - PIECES_WHILE_RUNNING.length); left > 0; left -= 1) {
    const claim = await worker.take('cpu');
    await commitPieces(worker, claim, { from: 0, to: PIECES_PER_SEGMENT });
    await finishRender(worker, claim);
  }
  for (let left = jobs; left > 0; left -= 1) {
    const claim = await worker.take('media');
    const outcome = { status: 'succeeded', result: newVideo(claim), metrics: { seconds: 1.203451 } };
    await finishAttempt(worker.records, claim.attempt.id, outcome);
  }
}

function bytesPerJob(state, empty) {
  const bytes = ({ kinds }) => Object.values(kinds).reduce((total, value) => total + value, 0);
  return Math.round((bytes(state) - bytes(empty)) / JOBS);
}

function kindsPerJob({ kinds }) {
  const largest = Object.entries(kinds).sort(([, a], [, b]) => b - a);
  return Object.fromEntries(largest.slice(0, 8).map(([kind, bytes]) => [kind, Math.round(bytes / JOBS)]));
}

/** A slow render reports its progress every second: the largest size of one job's own event stream. */
async function slowEventStream(worker) {
  await createJob(worker.records, newJob({}));
  const claim = await worker.take('media');
  for (let frames = 1; frames <= 3000; frames += 1) await beat(worker.records, claim, frames);
  const key = `${KEY_PREFIX}job:${claim.job.id}:events`;
  const { redis } = worker.records;
  return { events: await redis.xlen(key), bytes: await redis.memory('USAGE', key, 'SAMPLES', 0) };
}

/** One job from submit to shrunk, so that the farm's own keys exist before any other job. */
async function warmUp(worker) {
  await bringToEnd(worker, await bringToRunning(worker, 100), 1);
  await shrinkAll(worker, 1);
}

async function shrinkAll({ records }, jobs) {
  const count = await shrinkEndedJobs(records, -1000);
  if (count !== jobs) throw new Error(`${jobs} jobs should have shrunk and ${count} did.`);
}

async function measure(redis) {
  const facts = await provenance(redis);
  const worker = await openWorker(redis);
  try {
    await warmUp(worker);
    const empty = await measureMemory(redis);
    const unfinished = [];
    for (let index = 0; index < JOBS; index += 1) unfinished.push(...(await bringToRunning(worker, 100 - index)));
    const running = await measureMemory(redis);
    await bringToEnd(worker, unfinished, JOBS);
    const finished = await measureMemory(redis);
    await shrinkAll(worker, JOBS);
    const shrunk = await measureMemory(redis);
    const states = { running, finished, shrunk };
    const jobs = Object.fromEntries(Object.entries(states).map(([name, state]) => [name, bytesPerJob(state, empty)]));
    const ratios = {
      'bytes of a finished job over a running one': jobs.finished / jobs.running,
      'bytes of a shrunk job over a finished one': jobs.shrunk / jobs.finished,
      'append-only file over memory, a finished job':
        (finished.appendOnlyFile - empty.appendOnlyFile) / JOBS / jobs.finished,
    };
    return {
      ...facts,
      ratios,
      bytesPerJob: jobs,
      byKind: Object.fromEntries(Object.entries(states).map(([name, state]) => [name, kindsPerJob(state)])),
      boundedStreams: finished.bounded,
      eventStreamOfSlowJob: await slowEventStream(worker),
    };
  } finally {
    await worker.close();
  }
}

process.stdout.write(JSON.stringify(await withPrivateRedis(({ redis }) => measure(redis))));
