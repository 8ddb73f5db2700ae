import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { samplePortrait, sampleSpeech } from '@farm/local-farm';
import { createStorage, readStorageConfiguration, StorageEnvironment } from '@farm/storage';
import { obtainFfmpeg, obtainMinio, toolchainContext } from '@farm/toolchain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameHashes, openTestFarm, repeatedSpeech, type TestFarm } from './support/test-farm.js';

const run = promisify(execFile);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

interface Probe {
  streams: {
    codec_name: string;
    pix_fmt?: string;
    width?: number;
    height?: number;
    nb_read_frames?: string;
    r_frame_rate: string;
    duration: string;
  }[];
  format: { duration: string };
}

async function probe(path: string): Promise<Probe> {
  const { ffprobe } = await obtainFfmpeg(toolchainContext());
  const { stdout } = await run(ffprobe, [
    '-v',
    'error',
    '-count_frames',
    '-show_streams',
    '-show_format',
    '-of',
    'json',
    path,
  ]);
  return JSON.parse(stdout) as Probe;
}

async function sampleSeconds(): Promise<number> {
  return Number((await probe(sampleSpeech)).format.duration);
}

/** Names of the first boxes of an MP4. */
async function topLevelBoxes(path: string): Promise<string[]> {
  const file = await open(path);
  const names: string[] = [];
  let position = 0;
  const header = Buffer.alloc(8);
  while ((await file.read(header, 0, 8, position)).bytesRead === 8) {
    names.push(header.toString('latin1', 4, 8));
    position += header.readUInt32BE(0);
  }
  await file.close();
  return names;
}

describe('a job on plain files', () => {
  let test: TestFarm;
  beforeAll(async () => {
    test = await openTestFarm();
  }, 120_000);
  afterAll(() => test.close());

  it('becomes a video as long as the speech, to the frame, with a manifest that proves it', async () => {
    const job = await test.submit(sampleSpeech, { segmentClips: 2, metadata: { lesson: '7' } });
    const ended = await test.until(job.id, (state) => state.status === 'succeeded');
    const path = join(test.folder, 'video.mp4');
    await test.client.downloadVideo(job.id, path);
    const { streams } = await probe(path);
    const [video, audio] = [
      streams.find((s) => s.codec_name === 'h264')!,
      streams.find((s) => s.codec_name === 'aac')!,
    ];
    const seconds = await sampleSeconds();
    expect(video).toMatchObject({ pix_fmt: 'yuv420p', r_frame_rate: '25/1' });
    expect(video.width! % 64).toBe(0);
    expect(video.height! % 64).toBe(0);
    expect(video.width! * video.height!).toBeLessThanOrEqual(256 * 256);
    expect(Number(video.nb_read_frames)).toBe(Math.ceil(seconds * 25));
    expect(Math.abs(Number(video.duration) - seconds)).toBeLessThanOrEqual(0.04);
    expect(Math.abs(Number(audio.duration) - seconds)).toBeLessThanOrEqual(0.04);
    const boxes = await topLevelBoxes(path);
    expect(boxes.indexOf('moov')).toBeLessThan(boxes.indexOf('mdat'));

    const manifest = await test.manifest(job.id);
    expect(manifest.segments.length).toBeGreaterThan(1);
    expect(manifest.video.sha256).toBe(sha256(await readFile(path)));
    expect(manifest.video.bytes).toBe((await stat(path)).size);
    expect(manifest.inputs.portrait.sha256).toBe(sha256(await readFile(samplePortrait)));
    const frames = manifest.segments
      .flatMap((segment) => segment.pieces)
      .reduce((sum, piece) => sum + piece.frameCount, 0);
    expect(frames).toBe(manifest.video.frameCount);
    expect(ended.spec.metadata).toEqual({ lesson: '7' });
    expect(ended.progress).toMatchObject({ phase: 'done', fraction: 1, framesDone: frames });

    const again = await test.submit(sampleSpeech, { segmentClips: 2 });
    await test.until(again.id, (state) => state.status === 'succeeded');
    expect(frameHashes(await test.manifest(again.id))).toEqual(frameHashes(manifest));
    const other = await test.submit(sampleSpeech, { segmentClips: 2, seed: 8 });
    await test.until(other.id, (state) => state.status === 'succeeded');
    expect(frameHashes(await test.manifest(other.id))).not.toEqual(frameHashes(manifest));
  }, 120_000);

  it('is one unbroken take if requested', async () => {
    const job = await test.submit(sampleSpeech, { segmentClips: 2, continuity: 'continuous' });
    await test.until(job.id, (state) => state.status === 'succeeded');
    const { segments, video } = await test.manifest(job.id);
    expect(segments.map((segment) => [segment.firstFrame, segment.frameCount])).toEqual([[0, video.frameCount]]);
  }, 120_000);

  it('continues where it was after the whole farm was stopped and restarted', async () => {
    const first = await openTestFarm();
    const job = await first.submit(await repeatedSpeech(first.folder, 2));
    await first.until(job.id, (state) =>
      state.tasks.some((task) => task.kind === 'render' && task.framesCommitted > 0),
    );
    await first.farm.stop();
    const second = await openTestFarm({ directory: first.farm.directory.path });
    try {
      expect(second.farm.adminKey).toBe(first.farm.adminKey);
      expect(second.farm.adminKeyIsNew).toBe(false);
      const { progress } = await second.client.getJob(job.id);
      expect(progress.framesDone).toBeGreaterThanOrEqual(48);
      const ended = await second.until(job.id, (state) => state.status === 'succeeded');
      const attempts = ended.tasks.flatMap((task) => task.attempts);
      expect(attempts.map((attempt) => attempt.status)).toContain('interrupted');
      expect(attempts.map((attempt) => attempt.status)).not.toContain('failed');
    } finally {
      await second.close();
      await first.close();
    }
  }, 120_000);

  it('reports its progress as events, which replay after the last one seen', async () => {
    const job = await test.submit(sampleSpeech);
    await test.until(job.id, (state) => state.status === 'succeeded');
    const read = async (lastEventId?: string) => {
      const response = await fetch(`${test.farm.url}/v1/jobs/${job.id}/events`, {
        headers: {
          authorization: `Bearer ${test.farm.adminKey}`,
          ...(lastEventId && { 'last-event-id': lastEventId }),
        },
      });
      return response.status === 204 ? '' : await response.text();
    };
    const all = await read();
    const ids = [...all.matchAll(/^id: ?(.+)$/gm)].map((match) => match[1]!);
    for (const type of ['job-preparing', 'job-queued', 'job-running', 'piece-committed', 'job-succeeded'])
      expect(all).toContain(type);
    const rest = await read(ids.at(-3)!);
    expect([...rest.matchAll(/^id: ?(.+)$/gm)].map((match) => match[1])).toEqual(ids.slice(-2));
  }, 120_000);
});

const minio = await obtainMinio(toolchainContext());
describe.skipIf('reason' in minio)('a job on MinIO', () => {
  let test: TestFarm;
  beforeAll(async () => {
    test = await openTestFarm({ storage: 'minio' });
  }, 120_000);
  afterAll(() => test.close());

  it('renders, and its video comes through signed URLs of the internal and of the public host', async () => {
    const job = await test.submit(sampleSpeech);
    await test.until(job.id, (state) => state.status === 'succeeded');
    const manifest = await test.manifest(job.id);
    const { environment } = test.farm;
    const publicEndpoint = environment.S3_ENDPOINT!.replace('127.0.0.1', 'localhost');
    const config = readStorageConfiguration(
      StorageEnvironment.parse({ ...environment, S3_PUBLIC_ENDPOINT: publicEndpoint }),
      { internal: test.farm.url, public: test.farm.url },
    );
    const storage = await createStorage(config);
    for (const [audience, host] of [
      ['internal', '127.0.0.1'],
      ['public', 'localhost'],
    ] as const) {
      const url = await storage.presignGet(manifest.video.key, { audience, expiresInSeconds: 60 });
      expect(new URL(url).hostname).toBe(host);
      const response = await fetch(url);
      expect(response.status).toBe(200);
      expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(manifest.video.sha256);
      expect((await fetch(url.replace(/Signature=.{8}/, 'Signature=00000000'))).status).toBe(403);
    }
    const path = join(test.folder, 'video.mp4');
    await test.client.downloadVideo(job.id, path);
    expect(sha256(await readFile(path))).toBe(manifest.video.sha256);
    await storage.close();
  }, 120_000);

  it('is rendered by a worker that joined with the worker.env of the farm', async () => {
    const cli = join(import.meta.dirname, '../apps/cli/dist/main.js');
    const env = join(test.farm.directory.path, 'worker.env');
    const joined = spawn(process.execPath, [cli, 'worker', '--env', env, '--id', 'joined'], { stdio: 'ignore' });
    const exited = new Promise((resolve) => joined.once('exit', resolve));
    const listed = async () => (await test.client.listWorkers()).find((worker) => worker.id === 'joined');
    try {
      while (!['idle', 'busy'].includes((await listed())?.status ?? '')) await sleep(100);
      process.kill(test.farm.processes().worker!, 'SIGSTOP');
      const job = await test.submit(sampleSpeech);
      const ended = await test.until(job.id, (state) => state.status === 'succeeded');
      const renders = ended.tasks.filter((task) => task.kind === 'render').flatMap((task) => task.attempts);
      expect(renders.at(-1)).toMatchObject({ workerId: 'joined', status: 'succeeded' });
    } finally {
      process.kill(test.farm.processes().worker!, 'SIGCONT');
      joined.kill('SIGINT');
    }
    expect(await exited).toBe(0);
    expect(await listed()).toBeUndefined();
  }, 120_000);
});
