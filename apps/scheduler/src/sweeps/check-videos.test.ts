import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Manifest } from '@farm/contracts';
import { cancelJob, finishAttempt, getJob, getTask, KEY_PREFIX, referencedKeys, shrinkEndedJobs } from '@farm/records';
import { claimed, mediaClaimant, preparedJob, renderAll, useTestRecords } from '@farm/records/testing';
import { createStorage, type ObjectStorage } from '@farm/storage';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as checkVideos from './check-videos.js';
import * as shrinkJobs from './shrink-jobs.js';

const { context: records, redis } = await useTestRecords();
let folder: string;
let storage: ObjectStorage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-check-videos-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  storage = await createStorage({
    kind: 'filesystem',
    directory: await mkdtemp(join(folder, 'objects-')),
    internalBaseUrl: 'http://127.0.0.1:1',
    publicBaseUrl: 'http://127.0.0.1:1',
    secret: 'only-for-signing-urls',
  });
});

const log = pino({ level: 'silent' });
const check = () => checkVideos.runOnce({ records, storage, videoCheckIntervalMs: 0, log });
const [manifest] = Manifest.meta()!.examples as [Manifest];

/** A succeeded job with its video and manifest in storage. */
async function finished() {
  const { id } = await preparedJob(records, [48]);
  await renderAll(records);
  const { attempt } = await claimed(records, mediaClaimant);
  const bytes = Buffer.from(`video of ${id}`);
  const key = `jobs/${id}/output/${attempt.id}/video.mp4`;
  const manifestKey = `jobs/${id}/output/${attempt.id}/manifest.json`;
  await storage.put(key, bytes);
  await storage.put(manifestKey, Buffer.from(JSON.stringify(manifest)));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const video = { key, sha256, bytes: bytes.length, frameCount: 48, seconds: 1.92, width: 64, height: 64, manifestKey };
  await finishAttempt(records, attempt.id, { status: 'succeeded', result: video, metrics: {} });
  return { id, key, manifestKey };
}

describe('check-videos', () => {
  it('leaves whole videos alone', async () => {
    const { id } = await finished();
    expect(await check()).toBe(0);
    expect((await getJob(records, id))?.status).toBe('succeeded');
  });

  it.each(['changed', 'missing', 'without its manifest'])('has a video that is %s assembled again', async (fault) => {
    const { id, key, manifestKey } = await finished();
    const whole = await finished();
    if (fault === 'changed') await storage.put(key, Buffer.from('other bytes'));
    if (fault === 'missing') await storage.delete([key]);
    if (fault === 'without its manifest') await storage.delete([manifestKey]);
    expect(await check()).toBe(1);
    expect(await getJob(records, id)).toMatchObject({ status: 'running', video: null, formerVideo: { key } });
    expect(await referencedKeys(records, id)).toContain(key);
    expect((await getTask(records, `${id}-assemble`))?.status).toBe('ready');
    expect((await claimed(records, mediaClaimant)).task.id).toBe(`${id}-assemble`);
    expect((await getJob(records, whole.id))?.status).toBe('succeeded');
  });

  it('warns where the pieces are gone, once', async () => {
    const { id, key } = await finished();
    await check();
    expect(await shrinkEndedJobs(records, -1)).toBe(1);
    await storage.put(key, Buffer.from('other bytes'));
    expect(await check()).toBe(1);
    expect(await check()).toBe(1);
    const job = await getJob(records, id);
    expect(job).toMatchObject({ status: 'succeeded', warnings: [{ code: 'video-damaged' }] });
  });

  it('believes no single read', async () => {
    const { id, key } = await finished();
    let reads = 0;
    const flaky = new Proxy(storage, {
      get(target, name) {
        if (name === 'get')
          return (wanted: string) => {
            if (wanted === key) reads += 1;
            return wanted === key && reads === 1 ? undefined : target.get(wanted);
          };
        const member = target[name as keyof ObjectStorage];
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    expect(await checkVideos.runOnce({ records, storage: flaky, videoCheckIntervalMs: 0, log })).toBe(0);
    expect(reads).toBe(2);
    expect((await getJob(records, id))?.status).toBe('succeeded');
  });

  it.each(['fails', 'is canceled'])('leaves a job its former video when the new assembly %s', async (end) => {
    const { id, key, manifestKey } = await finished();
    await storage.delete([manifestKey]);
    await check();
    const { attempt } = await claimed(records, mediaClaimant);
    if (end === 'fails') {
      const error = { code: 'bad-speech', message: 'No.' };
      await finishAttempt(records, attempt.id, { status: 'failed', failureClass: 'input', error, metrics: {} });
    } else {
      await cancelJob(records, id);
      await finishAttempt(records, attempt.id, { status: 'interrupted', metrics: {} });
    }
    const job = await getJob(records, id);
    expect(job).toMatchObject({
      status: 'succeeded',
      video: { key, manifestKey },
      formerVideo: null,
      framesCommitted: 48,
    });
    expect(await check()).toBe(1);
    const again = await claimed(records, mediaClaimant);
    const video = { ...job!.video!, key: 'new.mp4' };
    await finishAttempt(records, again.attempt.id, { status: 'succeeded', result: video, metrics: {} });
    expect(await getJob(records, id)).toMatchObject({
      status: 'succeeded',
      video: { key: 'new.mp4' },
      formerVideo: null,
    });
  });

  it('passes over a record and a video that cannot be read', async () => {
    const [lost, unreadable, record] = [await finished(), await finished(), await finished()];
    await storage.delete([lost.key]);
    await redis.hset(`${KEY_PREFIX}job:${record.id}`, 'schema', 99);
    const failing = new Proxy(storage, {
      get(target, name) {
        if (name === 'get')
          return async (wanted: string) => {
            if (wanted === unreadable.key) throw new Error('a bad sector');
            return target.get(wanted);
          };
        const member = target[name as keyof ObjectStorage];
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    expect(await checkVideos.runOnce({ records, storage: failing, videoCheckIntervalMs: 0, log })).toBe(1);
    expect((await getJob(records, lost.id))?.status).toBe('running');
  });

  it('reads a video back before the details of its job go', async () => {
    const [whole, lost, unread] = [await finished(), await finished(), await finished()];
    await storage.put(lost.key, Buffer.from('other bytes'));
    await redis.hset(`${KEY_PREFIX}job:${unread.id}`, 'schema', 99);
    expect(await shrinkJobs.runOnce({ records, storage, keepDetailsMs: -1, log })).toBe(1);
    expect(await getJob(records, whole.id)).toMatchObject({ status: 'succeeded', shrunk: true });
    expect(await getJob(records, lost.id)).toMatchObject({ status: 'running', shrunk: false });
    expect(await redis.hget(`${KEY_PREFIX}job:${unread.id}`, 'shrunk')).toBeNull();
  });

  it('continues where the last pass ended, and reads nothing before the next round is due', async () => {
    const [whole, ...lost] = [await finished(), await finished(), await finished()];
    await redis.hset(`${KEY_PREFIX}video-check-round`, { startedAt: 1, complete: 0, cursor: '' });
    await storage.delete(lost.map(({ key }) => key));
    const weekly = { records, storage, videoCheckIntervalMs: 7 * 86_400_000, log: pino({ level: 'silent' }) };
    expect(await checkVideos.runOnce(weekly)).toBe(2);
    await redis.hset(`${KEY_PREFIX}video-check-round`, 'startedAt', Date.now());
    await storage.delete([whole!.key]);
    expect(await checkVideos.runOnce(weekly)).toBe(0);
  });
});
