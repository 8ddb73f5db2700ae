import type { JobDetail } from '@farm/contracts';
import { getJob, getPieces, getTask, type PrepareResult } from '@farm/records';
import { createStorage, type ObjectStorage } from '@farm/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameHashes, openTestFarm, repeatedSpeech, type TestFarm } from './support/test-farm.js';

let test: TestFarm;
let storage: ObjectStorage;
let speech: string;
let undisturbed: string[];
/** Several short segments: what a later one needs can be lost while an earlier one renders. */
const spec = { segmentClips: 2 };

beforeAll(async () => {
  test = await openTestFarm();
  storage = await createStorage({
    kind: 'filesystem',
    directory: test.farm.environment.FARM_STORAGE_DIRECTORY!,
    internalBaseUrl: test.farm.url,
    publicBaseUrl: test.farm.url,
    secret: 'only-for-signing-urls',
  });
  speech = await repeatedSpeech(test.folder, 2);
  const job = await test.submit(speech, spec);
  await test.until(job.id, (state) => state.status === 'succeeded');
  undisturbed = frameHashes(await test.manifest(job.id));
}, 120_000);
afterAll(async () => {
  await storage.close();
  await test.close();
});

async function flipByte(key: string): Promise<void> {
  const { stream } = (await storage.get(key))!;
  const bytes = Buffer.concat(await stream.toArray());
  bytes[bytes.length >> 1]! ^= 1;
  await storage.put(key, bytes);
}

async function midRender(): Promise<JobDetail> {
  const job = await test.submit(speech, spec);
  return test.until(job.id, ({ progress }) => progress.framesDone > 48 && progress.fraction < 0.5);
}

async function expectSameVideo(jobId: string): Promise<JobDetail> {
  const ended = await test.until(jobId, (job) => job.status === 'succeeded');
  expect(frameHashes(await test.manifest(jobId))).toEqual(undisturbed);
  expect(ended.tasks.map((task) => task.failures)).toEqual(ended.tasks.map(() => 0));
  return ended;
}

const errorsOf = (job: JobDetail) =>
  job.tasks.flatMap((task) => task.attempts).flatMap(({ error }) => (error ? [error.code] : []));

describe.sequential('while a job runs', () => {
  it.each(['corrupt', 'missing'])(
    'a %s piece is rendered again',
    async (fault) => {
      const job = await midRender();
      const [piece] = await getPieces(test.records, `${job.id}-render-00000`);
      if (fault === 'corrupt') await flipByte(piece!.key);
      else await storage.delete([piece!.key]);
      // A worker that is alone is believed only after it has proved itself.
      expect(new Set(errorsOf(await expectSameVideo(job.id)))).toEqual(new Set([`object-${fault}`]));
    },
    120_000,
  );

  it('prepared files are made again', async () => {
    const job = await midRender();
    const { segments, portraitKey } = (await getTask(test.records, `${job.id}-prepare`))!.result as PrepareResult;
    await flipByte(segments.at(-1)!.speechKey);
    await storage.delete([portraitKey]);
    const ended = await expectSameVideo(job.id);
    expect(ended.tasks.find((task) => task.kind === 'prepare')!.attempts).toHaveLength(2);
  }, 120_000);

  it('a lost recording fails the job with its name, and a retry says so immediately', async () => {
    const job = await midRender();
    await storage.delete([(await getJob(test.records, job.id))!.speech.key]);
    const failed = await test.untilEnded(job.id);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'object-missing' } });
    await expect(test.client.retryJob(job.id)).rejects.toMatchObject({ code: 'inputs-gone' });
  }, 120_000);
});
