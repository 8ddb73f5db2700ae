import { setTimeout as sleep } from 'node:timers/promises';
import type { FarmEvent, JobView } from '@farm/contracts';
import { KEY_PREFIX } from '@farm/records';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeInputs } from '../testing/inputs.js';
import { idOf, playJob } from '../testing/play-job.js';
import { asBearer, call, type Parts, plainSpec, submit } from '../testing/requests.js';
import { startTestFarm, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
let parts: Parts;

beforeAll(async () => {
  farm = await startTestFarm();
  const { portrait, speech } = await makeInputs(farm.directory);
  parts = [
    ['spec', plainSpec],
    ['portrait', portrait],
    ['speech', speech],
  ];
});
afterAll(() => farm.close());

interface Followed {
  status: number;
  events: (Partial<FarmEvent> & { name: string })[];
}

/** Reads a stream to its end, or until `until` says that it has seen enough. */
async function follow(
  url: string,
  options: { key?: string; lastEventId?: string; until?: (name: string) => boolean } = {},
): Promise<Followed> {
  const headers = {
    ...asBearer(options.key ?? farm.key),
    ...(options.lastEventId && { 'last-event-id': options.lastEventId }),
  };
  const response = await fetch(url, { headers });
  const events: Followed['events'] = [];
  let text = '';
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1];
      if (name === undefined) continue;
      events.push({ ...(JSON.parse(/^data: (.*)$/m.exec(block)![1]!) as FarmEvent), name });
      if (options.until?.(name)) return { status: response.status, events };
    }
  }
  return { status: response.status, events };
}

const eventsOf = (id: string, url = farm.url) => `${url}/v1/jobs/${id}/events`;
const names = ({ events }: Followed) => events.map(({ name }) => name);

describe('a job’s events', () => {
  it('reach clients of every replica, in order, and end after the last one', async () => {
    const other = await farm.startReplica();
    const id = idOf(await submit(farm, parts));
    const streams = [follow(eventsOf(id)), follow(eventsOf(id, other.url))];
    await sleep(200);
    await playJob(farm, Buffer.from('video'));
    const [here, there] = await Promise.all(streams);
    expect(names(here!)).toEqual([
      'job-preparing',
      'task-ready',
      'attempt-started',
      'attempt-succeeded',
      'task-ready',
      'job-queued',
      'attempt-started',
      'job-running',
      'piece-committed',
      'piece-committed',
      'attempt-succeeded',
      'task-ready',
      'attempt-started',
      'attempt-succeeded',
      'job-succeeded',
    ]);
    expect(there).toEqual(here);

    const ids = here!.events.map((event) => event.id!);
    const rest = await follow(eventsOf(id, other.url), { lastEventId: ids[4]! });
    expect(rest.events.map((event) => event.id)).toEqual(ids.slice(5));
    expect(await follow(eventsOf(id), { lastEventId: ids.at(-1)! })).toEqual({ status: 204, events: [] });
  });

  it('send a reset when the past is trimmed, and continue from there', async () => {
    const id = idOf(await submit(farm, parts));
    const { events } = await follow(eventsOf(id), { until: (name) => name === 'task-ready' });
    await farm.records.redis.xtrim(`${KEY_PREFIX}job:${id}:events`, 'MAXLEN', 0);
    await call<JobView>(`${farm.url}/v1/jobs/${id}/cancel`, farm.key, { method: 'POST' });
    const after = await follow(eventsOf(id), { lastEventId: events[0]!.id! });
    expect(names(after)).toEqual(['reset']);
  });

  it('are not sent for HEAD, which would never end', async () => {
    const head = await fetch(`${farm.url}/v1/jobs/x/events`, { method: 'HEAD', headers: asBearer(farm.key) });
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET']);
  });

  it('refuse a malformed Last-Event-ID', async () => {
    const id = idOf(await submit(farm, parts));
    for (const bad of ['x', '-', '1-2-3', '99999999999999999999-0']) {
      const { status } = await call(eventsOf(id), farm.key, { headers: { 'last-event-id': bad } });
      expect(status).toBe(400);
    }
    await call(`${farm.url}/v1/jobs/${id}/cancel`, farm.key, { method: 'POST' });
  });

  it('end when the replica drains, and continue elsewhere without a gap', async () => {
    const leaving = await farm.startReplica();
    const id = idOf(await submit(farm, parts));
    const first = follow(eventsOf(id, leaving.url));
    await sleep(200);
    const start = performance.now();
    await leaving.close();
    expect(performance.now() - start).toBeLessThan(5000);
    const before = await first;
    await call(`${farm.url}/v1/jobs/${id}/cancel`, farm.key, { method: 'POST' });
    const after = await follow(eventsOf(id), { lastEventId: before.events.at(-1)!.id! });
    expect([...names(before), ...names(after)]).toEqual([
      'job-preparing',
      'task-ready',
      'job-canceling',
      'job-canceled',
    ]);
  });
});

describe('the farm’s events', () => {
  it('are for operators, and replay from an id', async () => {
    const submitter = await farm.newKey('anna');
    expect((await follow(`${farm.url}/v1/events`, { key: submitter })).status).toBe(403);
    const operator = await farm.newKey('op', 'operator');
    const live = follow(`${farm.url}/v1/events`, { key: operator, until: (name) => name === 'job-canceled' });
    await sleep(200);
    const id = idOf(await submit(farm, parts));
    await call(`${farm.url}/v1/jobs/${id}/cancel`, farm.key, { method: 'POST' });
    const seen = await live;
    expect(names(seen)).toEqual(['job-preparing', 'task-ready', 'job-canceling', 'job-canceled']);
    const replay = await follow(`${farm.url}/v1/events`, {
      key: operator,
      lastEventId: seen.events[0]!.id!,
      until: (name) => name === 'job-canceled',
    });
    expect(replay.events).toEqual(seen.events.slice(1));
  });
});
