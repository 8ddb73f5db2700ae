import { json } from 'node:stream/consumers';
import { JobFile, objectKeys } from '@farm/contracts';
import { abandonSubmit, getJob, KEY_PREFIX } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeInputs } from '../testing/inputs.js';
import { call, type Parts, plainSpec, submit } from '../testing/requests.js';
import { startTestFarm, storedKeys, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
let parts: Parts;
/** Runs when the file of a job is about to be stored. */
let onJobFile: (key: string) => Promise<unknown> = async () => {};
const incoming = () => farm.records.redis.zrange(`${KEY_PREFIX}incoming-jobs`, 0, '-1');

const watched = (storage: ObjectStorage): ObjectStorage =>
  new Proxy(storage, {
    get(target, name) {
      if (name === 'put')
        return async (...given: Parameters<ObjectStorage['put']>) => {
          if (given[0].endsWith('job.json')) await onJobFile(given[0]);
          return await target.put(...given);
        };
      const member = target[name as keyof ObjectStorage];
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });

beforeAll(async () => {
  farm = await startTestFarm({ wrapStorage: watched });
  const { portrait, speech } = await makeInputs(farm.directory);
  parts = [
    ['spec', plainSpec],
    ['portrait', portrait, 'portrait.png'],
    ['speech', speech, 'speech.wav'],
  ];
});
afterAll(() => farm.close());

describe('a submit', () => {
  it('is noted before it stores anything, and leaves in storage what it takes to submit it again', async () => {
    let noted: string[] = [];
    onJobFile = async () => {
      noted = await incoming();
    };
    const { body: job } = await submit(farm, parts, { 'idempotency-key': 'lesson-1' });
    expect(noted).toEqual([job.id]);
    expect(await incoming()).toEqual([]);
    const file = JobFile.parse(await json((await farm.storage.get(objectKeys.jobFile(job.id)))!.stream));
    const { portrait, speech, spec, owner } = (await getJob(farm.records, job.id))!;
    expect(file).toMatchObject({ id: job.id, owner, spec, portrait, speech, idempotency: { key: 'lesson-1' } });
  });

  it('that is refused leaves neither a note nor an object', async () => {
    const before = await storedKeys(farm.storage);
    expect((await submit(farm, [parts[0]!, parts[1]!, ['speech', new Blob(['no sound'])]])).status).toBe(422);
    expect(await incoming()).toEqual([]);
    expect(await storedKeys(farm.storage)).toEqual(before);
  });

  it('that the sweep has given up is refused, and not made from files that are deleted', async () => {
    const before = await storedKeys(farm.storage);
    onJobFile = async (key) => expect(await abandonSubmit(farm.records, key.split('/')[1]!, -1)).toBe(true);
    const { status, body } = await submit(farm, parts);
    expect([status, (body as unknown as { code: string }).code]).toEqual([408, 'submit-abandoned']);
    expect(await storedKeys(farm.storage)).toEqual(before);
  });

  it('that is deleted is noted in storage before its record goes', async () => {
    onJobFile = async () => {};
    const { id } = (await submit(farm, parts)).body;
    const remove = () => call(`${farm.url}/v1/jobs/${id}`, farm.key, { method: 'DELETE' });
    expect((await remove()).status).toBe(409);
    expect(await farm.storage.head(objectKeys.deletedFile(id))).toBeUndefined();
    await call(`${farm.url}/v1/jobs/${id}/cancel`, farm.key, { method: 'POST' });
    expect((await remove()).status).toBe(204);
    expect(await farm.storage.head(objectKeys.deletedFile(id))).toBeDefined();
    expect(await farm.records.redis.zscore(`${KEY_PREFIX}deleted-jobs`, id)).not.toBeNull();
  });
});
