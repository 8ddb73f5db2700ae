import { type JobView, type Manifest, objectKeys } from '@farm/contracts';
import {
  type Claim,
  type Claimant,
  claimTask,
  commitPiece,
  finishAttempt,
  getJob,
  getTasks,
  registerWorker,
  renewLeases,
} from '@farm/records';
import type { TestReplica } from './test-farm.js';

const FRAMES = 96;
const hash = '0'.repeat(64);

async function claim({ records }: TestReplica, claimant: Partial<Claimant>): Promise<Claim> {
  const whole = {
    workerId: 'w1',
    classes: ['media'],
    engine: '',
    warmKey: '',
    leaseMs: 60_000,
    ...claimant,
  } as Claimant;
  const outcome = await claimTask(records, whole);
  if (typeof outcome === 'string') throw new Error(`nothing to claim: ${outcome}`);
  return outcome;
}

/** Plays a worker's part for the only job that waits: what it commits is small and made up. */
export async function playPrepare(farm: TestReplica): Promise<void> {
  const { attempt, job } = await claim(farm, {});
  const speechKey = objectKeys.prepared(job.id, attempt.id, 'speech.wav');
  const portraitKey = objectKeys.prepared(job.id, attempt.id, 'portrait.png');
  const sampleCount = FRAMES * 640;
  const segment = { firstFrame: 0, frameCount: FRAMES, speechKey, marginBefore: 0, sampleCount, seed: 1 };
  const speech = { key: speechKey, sampleCount, seconds: FRAMES / 25 };
  const result = { frameCount: FRAMES, portraitKey, speech, segments: [segment], warnings: [] };
  await finishAttempt(farm.records, attempt.id, { status: 'succeeded', result, metrics: {} });
}

export async function startRender(farm: TestReplica): Promise<Claim> {
  const worker = { id: 'w1', vramClass: 'cpu', engine: 'draft', engineVersion: '1', host: 'here', gpu: null } as const;
  await registerWorker(farm.records, worker);
  return await claim(farm, { classes: ['cpu'], engine: 'draft' });
}

export async function commitClip(farm: TestReplica, { attempt, task, job }: Claim, firstFrame: number): Promise<void> {
  const key = objectKeys.piece(job.id, { taskId: task.id, attemptId: attempt.id, firstFrame });
  const piece = { firstFrame, frameCount: 48, key, bytes: 1, rawSha256: hash, fileSha256: hash, attemptId: attempt.id };
  await commitPiece(farm.records, { taskId: task.id, attemptId: attempt.id, piece });
}

export async function reportProgress(farm: TestReplica, { attempt }: Claim, framesDone: number): Promise<void> {
  const attempts = [{ attemptId: attempt.id, framesDone, framesPerSecond: 10 }];
  await renewLeases(farm.records, { workerId: 'w1', status: 'busy', attempts });
}

export async function finishRender(farm: TestReplica, render: Claim, video: Buffer): Promise<void> {
  await finishAttempt(farm.records, render.attempt.id, { status: 'succeeded', result: null, metrics: {} });
  const { attempt, job } = await claim(farm, {});
  const key = objectKeys.output(job.id, attempt.id, 'video.mp4');
  const manifestKey = objectKeys.output(job.id, attempt.id, 'manifest.json');
  await farm.storage.put(key, video);
  const manifest = await manifestOf(farm, job.id, key);
  await farm.storage.put(manifestKey, Buffer.from(JSON.stringify(manifest)));
  await farm.storage.put(objectKeys.log(job.id, attempt.id), Buffer.from('{"msg":"assembled"}\n'));
  const facts = {
    key,
    sha256: hash,
    bytes: video.length,
    frameCount: FRAMES,
    seconds: 3.84,
    width: 256,
    height: 384,
    manifestKey,
  };
  await finishAttempt(farm.records, attempt.id, { status: 'succeeded', result: facts, metrics: {} });
}

async function manifestOf({ records }: TestReplica, jobId: string, key: string): Promise<Manifest> {
  const job = (await getJob(records, jobId))!;
  const at = new Date(job.createdAt).toISOString();
  const attempts = (await getTasks(records, jobId)).map(({ id }) => {
    return {
      id: `a-${id}`,
      taskId: id,
      number: 1,
      status: 'succeeded',
      workerId: 'w1',
      startedAt: at,
      endedAt: at,
      error: null,
      metrics: {},
    };
  });
  const video = {
    key,
    sha256: hash,
    bytes: 1,
    width: 256,
    height: 384,
    frameCount: FRAMES,
    framesPerSecond: 25,
    seconds: 3.84,
  };
  return {
    schema: 1,
    jobId,
    owner: job.owner,
    createdAt: at,
    endedAt: at,
    spec: { ...job.spec },
    inputs: { portrait: job.portrait, speech: { ...job.speech, seconds: 4 } },
    video,
    segments: [{ firstFrame: 0, frameCount: FRAMES, seed: 1, pieces: [] }],
    attempts,
    engine: { name: 'draft', version: '1' },
    warnings: [],
  };
}

/** From prepare to a video of these bytes. */
export async function playJob(farm: TestReplica, video: Buffer): Promise<void> {
  await playPrepare(farm);
  const render = await startRender(farm);
  for (const firstFrame of [0, 48]) await commitClip(farm, render, firstFrame);
  await finishRender(farm, render, video);
}

export const idOf = ({ body }: { body: JobView }): string => body.id;
