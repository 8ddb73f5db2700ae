import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStorage } from '@farm/storage';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download } from './download.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-download-'));
});
afterAll(() => rm(folder, { recursive: true }));

const sha256 = createHash('sha256').update('sound').digest('hex');

/** Downloads from a storage that answers each read with the next of `answers`; undefined: there is no such object. */
async function downloadFrom(...answers: (string | undefined)[]): Promise<string> {
  const storage = {
    async getToFile(_key: string, path: string) {
      const bytes = answers.shift();
      if (bytes !== undefined) await writeFile(path, bytes);
      return bytes !== undefined;
    },
  } as unknown as ObjectStorage;
  const path = join(folder, 'object');
  const context = { storage, signal: new AbortController().signal, log: pino({ level: 'silent' }) };
  await download(context, { key: 'jobs/x', sha256 }, path);
  expect(answers).toEqual([]);
  return readFile(path, 'utf8');
}

describe('a download', () => {
  it.each([[['sound']], [['other', 'sound']], [[undefined, 'sound']]])(
    'believes no single read: %j',
    async (answers) => {
      expect(await downloadFrom(...answers)).toBe('sound');
    },
  );

  it.each([
    ['object-missing', [undefined, undefined]],
    ['object-missing', ['other', undefined]],
    ['object-corrupt', ['other', 'other']],
    ['object-corrupt', [undefined, 'other']],
  ])('says %s after %j', async (code, answers) => {
    await expect(downloadFrom(...answers)).rejects.toMatchObject({ code });
  });
});
