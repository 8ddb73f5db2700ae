import { randomBytes } from 'node:crypto';
import { type JobDetail, type JobView, objectKeys, type Problem } from '@farm/contracts';
import { finishAttempt, getJob, markVideoChecked, shrinkEndedJobs } from '@farm/records';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeInputs } from '../../testing/inputs.js';
import {
  commitClip,
  finishRender,
  idOf,
  playJob,
  playPrepare,
  reportProgress,
  startRender,
} from '../../testing/play-job.js';
import { asBearer, call, type Parts, plainSpec, submit } from '../../testing/requests.js';
import { startTestFarm, type TestFarm } from '../../testing/test-farm.js';

let farm: TestFarm;
let parts: Parts;
const video = randomBytes(100_000);

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
beforeEach(async () => {
  const { jobs } = (await call<{ jobs: JobView[] }>(`${farm.url}/v1/jobs?limit=200`, farm.key)).body;
  for (const job of jobs) await call(`${farm.url}/v1/jobs/${job.id}/cancel`, farm.key, { method: 'POST' });
});

const at = (id: string, path = '') => `${farm.url}/v1/jobs/${id}${path}`;
const get = <Body = Problem>(id: string, path = '', key = farm.key) => call<Body>(at(id, path), key);
const post = <Body = JobView>(id: string, path: string) => call<Body>(at(id, path), farm.key, { method: 'POST' });

describe('a job', () => {
  it('shows its progress from committed frames and those under way', async () => {
    const id = idOf(await submit(farm, parts));
    expect((await get<JobDetail>(id)).body.progress).toMatchObject({
      phase: 'preparing',
      fraction: 0,
      frameCount: null,
    });
    const second = idOf(await submit(farm, parts));
    expect((await get<JobDetail>(second)).body.tasksAhead).toBe(1);
    await post(second, '/cancel');
    await playPrepare(farm);
    expect((await get<JobDetail>(id)).body).toMatchObject({
      tasksAhead: 0,
      status: 'queued',
      progress: { phase: 'queued', clipCount: 2 },
    });
    const render = await startRender(farm);
    await commitClip(farm, render, 0);
    await reportProgress(farm, render, 60);
    const { body } = await get<JobDetail>(id);
    expect(body.progress).toEqual({
      phase: 'rendering',
      fraction: 0.625,
      framesDone: 60,
      frameCount: 96,
      clipsDone: 1,
      clipCount: 2,
      framesPerSecond: 10,
      secondsLeft: 4,
    });
    expect(body.tasks.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      'prepare succeeded',
      'render running',
      'assemble pending',
    ]);
    const { workers } = (await call<{ workers: unknown[] }>(`${farm.url}/v1/workers`, farm.key)).body;
    expect(workers).toMatchObject([{ id: 'w1', status: 'busy', attempts: [{ jobId: id }] }]);
    await commitClip(farm, render, 48);
    await finishRender(farm, render, video);
    expect((await get<JobDetail>(id)).body).toMatchObject({
      status: 'succeeded',
      progress: { phase: 'done', fraction: 1 },
    });
  });

  it('serves its video complete, in ranges, to HEAD, and through signed URLs', async () => {
    const id = idOf(await submit(farm, parts));
    expect((await get(id, '/video')).body).toMatchObject({
      status: 409,
      code: 'video-not-ready',
      jobStatus: 'preparing',
    });
    await playJob(farm, video);
    const fetchVideo = (init: RequestInit, key = farm.key) =>
      fetch(at(id, '/video'), { ...init, headers: { ...asBearer(key), ...(init.headers as object) } });
    const whole = await fetchVideo({});
    expect(Buffer.from(await whole.arrayBuffer()).equals(video)).toBe(true);
    expect(whole.headers.get('content-type')).toBe('video/mp4');
    expect(whole.headers.get('content-disposition')).toBe(`attachment; filename="${id}.mp4"`);

    const range = await fetchVideo({ headers: { range: 'bytes=1000-1999' } });
    expect([range.status, range.headers.get('content-range')]).toEqual([206, 'bytes 1000-1999/100000']);
    expect(Buffer.from(await range.arrayBuffer()).equals(video.subarray(1000, 2000))).toBe(true);
    const entityTag = range.headers.get('etag')!;
    for (const [reference, status] of [
      [entityTag, 206],
      ['"another"', 200],
      [range.headers.get('last-modified')!, 200],
    ] as const)
      expect((await fetchVideo({ headers: { range: 'bytes=1-', 'if-range': reference } })).status).toBe(status);
    const beyond = await fetchVideo({ headers: { range: 'bytes=100000-' } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */100000']);
    expect(await beyond.json()).toMatchObject({ code: 'invalid-range' });

    const head = await fetchVideo({ method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '100000']);

    const { urls } = (await get<{ urls: Record<string, string> }>(id, '/signed-urls')).body;
    expect(Object.keys(urls)).toEqual(['video', 'manifest']);
    const signed = urls.video!.replace('http://127.0.0.1:0', farm.url);
    const unsigned = await fetch(signed, { headers: { range: 'bytes=-10' } });
    expect(Buffer.from(await unsigned.arrayBuffer()).equals(video.subarray(-10))).toBe(true);
    const forged = await fetch(signed.replace(/signature=./, 'signature=_'));
    expect([forged.status, ((await forged.json()) as Problem).code]).toEqual([403, 'bad-signed-url']);
    expect((await fetch(signed, { method: 'PUT', body: 'x' })).status).toBe(403);

    expect((await get<{ jobId: string }>(id, '/manifest')).body.jobId).toBe(id);
    expect((await get(id, '/poster')).body).toMatchObject({ status: 404, code: 'no-poster' });
    expect((await get<string>(id, '/log')).body).toBe('{"msg":"assembled"}\n');
  });

  it('answers from its manifest after its records were shrunk', async () => {
    const id = idOf(await submit(farm, parts));
    await playJob(farm, video);
    const { body: before } = await get<JobDetail>(id);
    await markVideoChecked(farm.records, id, (await getJob(farm.records, id))!.video!.key);
    expect(await shrinkEndedJobs(farm.records, -1000)).toBeGreaterThanOrEqual(1);
    expect((await getJob(farm.records, id))!.shrunk).toBe(true);
    const { body: after } = await get<JobDetail>(id);
    expect(after).toMatchObject({ status: 'succeeded', spec: before.spec });
    expect(after.tasks.map(({ id: taskId, kind, frameCount }) => [taskId, kind, frameCount])).toEqual([
      [`${id}-prepare`, 'prepare', 0],
      [`${id}-render-00000`, 'render', 96],
      [`${id}-assemble`, 'assemble', 0],
    ]);
    expect((await post<Problem>(id, '/retry')).body).toMatchObject({ status: 409, code: 'job-not-retriable' });
  });

  it('is canceled, retried and deleted where its status allows', async () => {
    const id = idOf(await submit(farm, parts));
    expect((await post<Problem>(id, '/retry')).body).toMatchObject({ status: 409, code: 'job-not-retriable' });
    expect((await call(at(id), farm.key, { method: 'DELETE' })).body).toMatchObject({
      status: 409,
      code: 'job-not-ended',
    });
    expect((await post(id, '/cancel')).body.status).toBe('canceled');
    expect((await post(id, '/cancel')).status).toBe(202);
    expect((await get(id, '/video')).body).toMatchObject({ code: 'no-video' });
    const notes = [objectKeys.endedFile(id), objectKeys.deletedFile(id)];
    for (const key of notes) await farm.storage.put(key, Buffer.from('{}'));
    expect((await post(id, '/retry')).body).toMatchObject({ status: 'preparing', error: null });
    for (const key of notes) expect(await farm.storage.head(key)).toBeUndefined();
    await playJob(farm, video);
    expect((await post<Problem>(id, '/cancel')).body).toMatchObject({ status: 409, code: 'job-ended' });
    expect((await call(at(id), farm.key, { method: 'DELETE' })).status).toBe(204);
    expect((await get(id)).body).toMatchObject({ status: 404, code: 'job-not-found' });
  });

  it('whose inputs are gone says so when it is retried', async () => {
    const id = idOf(await submit(farm, parts));
    await post(id, '/cancel');
    const { speech } = (await getJob(farm.records, id))!;
    await farm.storage.delete([speech.key]);
    const { body } = await post<Problem>(id, '/retry');
    expect(body).toMatchObject({ status: 409, code: 'inputs-gone', gone: ['speech'] });
    expect((await get<JobView>(id)).body.status).toBe('canceled');
  });

  it('whose video is lost is assembled again when somebody asks for it', async () => {
    const id = idOf(await submit(farm, parts));
    await playJob(farm, video);
    await farm.storage.delete([(await getJob(farm.records, id))!.video!.key]);
    expect((await get(id, '/video')).body).toMatchObject({ status: 409, code: 'video-not-ready' });
    expect((await get<JobView>(id)).body.status).toBe('running');
    await post(id, '/cancel');
  });

  it('shows why it failed', async () => {
    const id = idOf(await submit(farm, parts));
    await playPrepare(farm);
    const render = await startRender(farm);
    const error = { code: 'engine-crashed', message: 'The engine ended.' };
    await finishAttempt(farm.records, render.attempt.id, {
      status: 'failed',
      error,
      failureClass: 'input',
      metrics: {},
    });
    expect((await get<JobDetail>(id)).body).toMatchObject({ status: 'failed', error });
  });
});

describe('the list of jobs', () => {
  it('pages without gaps or repeats, filters, and keeps owners apart', async () => {
    const [anna, ben] = [await farm.newKey('anna'), await farm.newKey('ben')];
    const own: string[] = [];
    for (let count = 0; count < 5; count += 1) own.unshift(idOf(await submit({ url: farm.url, key: anna }, parts)));
    const bens = idOf(await submit({ url: farm.url, key: ben }, parts));
    await post(own[1]!, '/cancel');
    type Page = { jobs: JobView[]; nextCursor?: string };
    const list = (query: string, key: string) => call<Page>(`${farm.url}/v1/jobs${query}`, key);

    const seen: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const { body }: { body: Page } = await list(`?limit=2${cursor && `&cursor=${cursor}`}`, anna);
      seen.push(...body.jobs.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(own);
    expect((await list('?status=canceled', anna)).body.jobs.map(({ id }) => id)).toEqual([own[1]]);
    expect((await list('?owner=ben', anna)).body.jobs).toEqual([]);
    expect((await list('?owner=ben', farm.key)).body.jobs.map(({ id }) => id)).toEqual([bens]);
    const everyone = (await list('?limit=200', farm.key)).body.jobs.map(({ id }) => id);
    expect(everyone).toEqual(expect.arrayContaining([...own, bens]));

    for (const path of ['', '/video', '/manifest', '/log', '/events', '/signed-urls'])
      expect((await get(bens, path, anna)).body).toMatchObject({ status: 404, code: 'job-not-found' });
    for (const path of ['/cancel', '/retry'])
      expect((await call(at(bens, path), anna, { method: 'POST' })).status).toBe(404);
    expect((await call(at(bens), anna, { method: 'DELETE' })).status).toBe(404);
  });

  it.each(['limit=0', 'limit=201', 'limit=x', 'status=done', 'cursor=here', 'owner=*', 'page=2'])(
    'refuses %s',
    async (query) => {
      const { status, body } = await call(`${farm.url}/v1/jobs?${query}`, farm.key);
      expect([status, body.code]).toEqual([400, 'invalid-request']);
    },
  );
});
