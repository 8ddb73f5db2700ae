import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskClass } from '@farm/contracts';
import { type RunningRedisServer, startRedisServer } from '@farm/toolchain';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { recoverStalledTickets } from './recover-stalled-tickets.js';
import { TicketConsumer } from './ticket-consumer.js';
import { openTicketQueues, QUEUE_PREFIX, queueName, type TicketQueues } from './ticket-queues.js';

let directory: string;
let server: RunningRedisServer;
let redis: Redis;
let queues: TicketQueues;
const consumers: TicketConsumer[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farm-queue-'));
  server = await startRedisServer({ directory });
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  signal = AbortSignal.timeout(60_000);
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  await redis.flushall();
  queues = openTicketQueues(redis);
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
  await queues.close();
  redis.disconnect();
});

function openConsumer(classes: TaskClass[]): TicketConsumer {
  const consumer = new TicketConsumer(redis, classes);
  consumers.push(consumer);
  return consumer;
}

const ticket = (taskId: string, taskClass: TaskClass = 'cpu', generation = 1, delayMs = 0) => ({
  taskId,
  taskClass,
  generation,
  delayMs,
});
let signal: AbortSignal;

describe('tickets', () => {
  it('are used up by a claim, and one that is added twice counts once', async () => {
    await queues.add([ticket('a'), ticket('b')]);
    await queues.add([ticket('a')]);
    expect(await queues.count('cpu')).toBe(2);
    const consumer = openConsumer(['cpu']);
    expect(await consumer.next(async () => ({ work: 1 }), signal)).toBe(1);
    expect(await consumer.next(async () => ({ work: 2 }), signal)).toBe(2);
    expect(await queues.count('cpu')).toBe(0);
    await queues.add([ticket('a')]);
    expect(await queues.count('cpu')).toBe(1);
  });

  it('end when nothing is ready, and come back later when it is for another worker', async () => {
    await queues.add([ticket('a'), ticket('b')]);
    const answers = ['none', 'not-for-you'] as const;
    let calls = 0;
    const started = Date.now();
    const work = await openConsumer(['cpu']).next(async () => answers[calls++] ?? { work: 'late' }, signal);
    expect(work).toBe('late');
    expect(calls).toBe(3);
    expect(Date.now() - started).toBeGreaterThanOrEqual(500);
    expect(await queues.count('cpu')).toBe(0);
  });

  it('wake an idle consumer of several classes, the larger class first', async () => {
    const consumer = openConsumer(['48g', '24g', '16g']);
    const taken: string[] = [];
    const waiting = consumer.next(async () => ({ work: 'woken' }), signal);
    await sleep(300);
    await queues.add([ticket('small', '16g')]);
    expect(await waiting).toBe('woken');
    await queues.add([ticket('x', '16g'), ticket('y', '48g')]);
    for (let i = 0; i < 2; i += 1) {
      await consumer.next(async () => {
        taken.push(`${await queues.count('16g')}:${await queues.count('48g')}`);
        return { work: i };
      }, signal);
    }
    // The ticket that is used for the claim still counts: first both classes hold one, then only the smaller one.
    expect(taken).toEqual(['1:1', '1:0']);
  });

  it('wake another idle consumer when the first one went for another queue', async () => {
    const idle = openConsumer(['24g']);
    const both = openConsumer(['48g', '24g']);
    const works = [
      both.next(async () => ({ work: 'both' }), signal),
      idle.next(async () => ({ work: 'idle' }), signal),
    ];
    await sleep(300);
    // Together, so that whoever is woken by one finds the other: taking `a` early would leave `idle` without any.
    await Promise.all([queues.add([ticket('a', '24g')]), queues.add([ticket('b', '48g')])]);
    expect((await Promise.all(works)).sort()).toEqual(['both', 'idle']);
  });

  it('are noticed while a delayed one is not due yet', async () => {
    await queues.add([ticket('later', 'cpu', 1, 60_000)]);
    const waiting = openConsumer(['24g', 'cpu']).next(async () => ({ work: 'now' }), signal);
    const marker = `${QUEUE_PREFIX}:${queueName('cpu')}:marker`;
    await expect.poll(() => redis.exists(marker)).toBe(0);
    const started = Date.now();
    await queues.add([ticket('now')]);
    expect(await waiting).toBe('now');
    // A slot that sleeps looks again after two seconds.
    expect(Date.now() - started).toBeLessThan(1200);
    // The delayed ticket is announced again for others.
    expect(await redis.zrange(marker, 0, '-1')).toContain('1');
  });

  it('that were lost during a claim do not lose the work', async () => {
    await queues.add([ticket('a')]);
    const claim = async () => {
      await redis.del(`${QUEUE_PREFIX}:${queueName('cpu')}:a-1:lock`);
      return { work: 'claimed' };
    };
    expect(await openConsumer(['cpu']).next(claim, signal)).toBe('claimed');
  });

  it('are left to others by a consumer that may no longer claim, which can be used again', async () => {
    const consumer = openConsumer(['cpu']);
    let mayClaim = true;
    const waiting = consumer.next(
      async () => 'none',
      signal,
      () => mayClaim,
    );
    await sleep(300);
    mayClaim = false;
    await queues.add([ticket('a')]);
    expect(await waiting).toBeUndefined();
    await queues.add([ticket('b')]);
    expect(
      await consumer.next(
        async () => ({ work: 'left' }),
        signal,
        () => mayClaim,
      ),
    ).toBeUndefined();
    expect(await openConsumer(['cpu']).next(async () => ({ work: 'taken' }), signal)).toBe('taken');
    mayClaim = true;
    await queues.add([ticket('c')]);
    expect(
      await consumer.next(
        async () => ({ work: 'again' }),
        signal,
        () => mayClaim,
      ),
    ).toBe('again');
  });

  it('end the wait quietly when it is aborted', async () => {
    const abort = new AbortController();
    const waiting = openConsumer(['cpu']).next(async () => ({ work: 1 }), abort.signal);
    await sleep(100);
    const started = Date.now();
    abort.abort();
    expect(await waiting).toBeUndefined();
    expect(Date.now() - started).toBeLessThan(1000);
  });
});

const HOUR_MS = 3_600_000;

/** This machine's clock is wrong while `act` runs; Redis has the right time. */
async function withClock<Result>(offsetMs: number, act: () => Promise<Result>): Promise<Result> {
  const { now } = Date;
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + offsetMs);
  try {
    return await act();
  } finally {
    clock.mockRestore();
  }
}

describe.each([HOUR_MS, -HOUR_MS])('a clock that is %i ms off', (offsetMs) => {
  it('of whoever adds a delayed ticket neither delays nor hastens it', async () => {
    await withClock(offsetMs, () => queues.add([ticket('a', 'cpu', 1, 1500)]));
    const started = performance.now();
    expect(await openConsumer(['cpu']).next(async () => ({ work: 1 }), signal)).toBe(1);
    expect(performance.now() - started).toBeGreaterThan(1200);
  });

  it('of a consumer neither delays nor hastens a ticket that was added elsewhere', async () => {
    await queues.add([ticket('a', 'cpu', 1, 1500)]);
    const started = performance.now();
    await withClock(offsetMs, () => openConsumer(['cpu']).next(async () => ({ work: 1 }), signal));
    expect(performance.now() - started).toBeGreaterThan(1200);
  });

  it('of a consumer hides no ticket that it passed over from others', async () => {
    await queues.add([ticket('a')]);
    const asked: number[] = [];
    const pass = async () => {
      asked.push(performance.now());
      return 'not-for-you' as const;
    };
    const abort = new AbortController();
    await withClock(offsetMs, async () => {
      const passing = openConsumer(['cpu']).next(pass, abort.signal);
      await expect.poll(() => asked.length).toBeGreaterThanOrEqual(2);
      abort.abort();
      await passing;
    });
    expect(asked[1]! - asked[0]!).toBeGreaterThan(400);
    expect(await openConsumer(['cpu']).next(async () => ({ work: 'mine' }), signal)).toBe('mine');
  });
});

describe('a consumer that has claimed', () => {
  it('returns the work although Redis accepts no writes any more', async () => {
    const consumer = openConsumer(['48g', '24g']);
    const working = consumer.next(async () => {
      // Full, from here on: neither the ticket can be ended nor the marker of the other queue be put back.
      await redis.config('SET', 'maxmemory', '1');
      return { work: 'claimed' };
    }, signal);
    const isBlocked = async () => (await redis.info('clients')).includes('blocked_clients:1');
    await expect.poll(isBlocked).toBe(true);
    await redis
      .multi()
      .zadd(`${QUEUE_PREFIX}:${queueName('24g')}:marker`, 0, '0')
      .lpush(`${QUEUE_PREFIX}:${queueName('48g')}:wait`, 'a-1')
      .hset(`${QUEUE_PREFIX}:${queueName('48g')}:a-1`, { name: 'ticket', data: '{}', opts: '{}', timestamp: 1 })
      .exec();
    try {
      expect(await working).toBe('claimed');
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
  });
});

describe('a consumer whose Redis is unavailable', () => {
  it('stops waiting when it is told to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'farm-queue-away-'));
    const away = await startRedisServer({ directory: folder });
    const connection = new Redis(away.url, { maxRetriesPerRequest: null });
    connection.on('error', () => {});
    const consumer = new TicketConsumer(connection, ['cpu']);
    const abort = new AbortController();
    const waiting = consumer.next(async () => ({ work: 1 }), abort.signal);
    const isBlocked = async () => (await connection.info('clients')).includes('blocked_clients:1');
    await expect.poll(isBlocked).toBe(true);
    process.kill(away.pid, 'SIGKILL');
    await away.exited;
    // Long enough for a connection to have failed and to be waiting for its next try.
    await sleep(300);
    abort.abort();
    expect(await waiting).toBeUndefined();
    connection.disconnect();
    void consumer.close();
    await rm(folder, { recursive: true });
  });
});

describe('what this package relies on inside BullMQ', () => {
  it('announces tickets in a sorted set, with the time of a delayed one as score', async () => {
    const worker = new Worker(queueName('cpu'), null, { connection: redis, prefix: QUEUE_PREFIX, autorun: false });
    const marker = worker.toKey('marker');
    expect(marker).toBe('{farm}:bull:tickets-cpu:marker');
    await queues.add([ticket('a')]);
    expect(await redis.zrange(marker, 0, '-1', 'WITHSCORES')).toEqual(['0', '0']);
    await redis.del(marker);
    await queues.add([ticket('b', 'cpu', 1, 60_000)]);
    const [, score] = await redis.zrange(marker, 0, '-1', 'WITHSCORES');
    expect(Number(score)).toBeGreaterThan(Date.now() + 50_000);
    await worker.close();
  });
});

describe('recoverStalledTickets', () => {
  it('returns a ticket whose consumer died before it claimed', async () => {
    await queues.add([ticket('a')]);
    const dead = new Worker(queueName('cpu'), null, {
      connection: redis,
      prefix: QUEUE_PREFIX,
      autorun: false,
      lockDuration: 500,
    });
    await dead.getNextJob('dead', { block: false });
    const returned: TaskClass[] = [];
    const recovery = await recoverStalledTickets(redis, (taskClass) => returned.push(taskClass));
    expect(await openConsumer(['cpu']).next(async () => ({ work: 'again' }), signal)).toBe('again');
    expect(returned).toEqual(['cpu']);
    await recovery.close();
    await dead.close();
  }, 30_000);
});
