// A worker's render slot without a renderer: reports when it has a task, and claims the next.
// For comparison, the minimum that such a wait can cost: a BZPOPMIN on a connection of its own.
import { TicketConsumer } from '@farm/queue';
import { claimTask, connectRedis, LEASE_MS } from '@farm/records';

const [url, engine, ...classes] = process.argv.slice(2);
const redis = connectRedis(url, { manner: 'patient', name: 'measured-worker' });
const records = { redis, enqueue: async () => {} };
const claimant = { workerId: `idle-${process.pid}`, classes, engine, warmKey: '', leaseMs: LEASE_MS };

/** CLOCK_MONOTONIC: the same clock in every process of a machine. */
const say = (what) => process.send({ what, atNs: Number(process.hrtime.bigint()) });

async function takeTasks() {
  const taker = new TicketConsumer(redis, classes);
  const claim = async () => {
    const outcome = await claimTask(records, claimant);
    return typeof outcome === 'string' ? outcome : { work: outcome };
  };
  const never = new AbortController().signal;
  for (;;) say((await taker.next(claim, never)).task.id);
}

async function takeBareMembers() {
  const bare = redis.duplicate();
  for (;;) {
    const popped = await bare.bzpopmin('{farm}:benchmark', 2);
    if (popped) say(popped[1]);
  }
}

void takeTasks();
void takeBareMembers();
