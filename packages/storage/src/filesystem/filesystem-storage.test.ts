import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeConformance } from '../conformance/describe-conformance.js';
import { type ObjectServer, startObjectServer } from '../conformance/object-server.js';
import { createStorage } from '../create-storage.js';

const secret = 'a secret of the test suite';
const configurationFor = (directory: string, port = 1) => ({
  kind: 'filesystem' as const,
  directory,
  internalBaseUrl: `http://127.0.0.1:${port}`,
  publicBaseUrl: `http://localhost:${port}/`,
  secret,
});

describeConformance('filesystem storage', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'farm-storage-'));
  let server: ObjectServer | undefined;
  server = await startObjectServer(secret, () => storage);
  const storage = await createStorage(configurationFor(directory, server.port));
  const sibling = await createStorage(configurationFor(directory, server.port));
  return {
    storage,
    sibling,
    unfinishedUploads: async () => (await readdir(join(directory, 'temporary'))).length,
    async stop() {
      await server.stop();
      expect(await readdir(join(directory, 'temporary'))).toEqual([]);
      await rm(directory, { recursive: true, force: true });
    },
  };
});

describe('filesystem storage', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'farm-storage-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('objects are plain files, and empty folders go with the last object', async () => {
    const storage = await createStorage(configurationFor(directory));
    await storage.put('jobs/1/video.mp4', Buffer.from('x'));
    expect(await readdir(join(directory, 'objects', 'jobs', '1'))).toEqual(['video.mp4']);
    await storage.delete(['jobs/1/video.mp4']);
    expect(await readdir(join(directory, 'objects'))).toEqual([]);
    expect(await readdir(join(directory, 'types'))).toEqual([]);
  });

  test('a key below another object is refused, and so is the reverse', async () => {
    const storage = await createStorage(configurationFor(directory));
    await storage.put('a/b', Buffer.from('x'));
    await expect(storage.put('a/b/c', Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid-key' });
    await expect(storage.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid-key' });
    expect(await storage.head('a/b/c')).toBeUndefined();
    expect(await readdir(join(directory, 'temporary'))).toEqual([]);
  });

  test('leftovers of a killed upload are swept once they are old', async () => {
    const storage = await createStorage(configurationFor(directory));
    await writeFile(join(directory, 'temporary', 'old'), 'x');
    await utimes(join(directory, 'temporary', 'old'), new Date(), new Date(Date.now() - 7200_000));
    await writeFile(join(directory, 'temporary', 'new'), 'x');
    expect(await storage.sweepUnfinishedUploads({ olderThanMs: 3600_000 })).toEqual({ removed: 1 });
    expect(await readdir(join(directory, 'temporary'))).toEqual(['new']);
  });

  test('a path that cannot be a folder is named', async () => {
    const file = join(directory, 'file');
    await writeFile(file, 'x');
    await expect(createStorage(configurationFor(join(file, 'below')))).rejects.toMatchObject({
      code: 'storage-misconfigured',
      message: expect.stringContaining(join(file, 'below')),
    });
  });

  test.skipIf(process.getuid?.() === 0)('a folder that may not be written is named', async () => {
    await chmod(directory, 0o500);
    await expect(createStorage(configurationFor(directory))).rejects.toMatchObject({ code: 'storage-misconfigured' });
  });

  test('unknown settings are refused', async () => {
    const configuration = { ...configurationFor(directory), colour: 'blue' };
    await expect(createStorage(configuration)).rejects.toThrow('colour');
    await expect(createStorage({ ...configurationFor(directory), secret: 'short' })).rejects.toThrow('secret');
  });
});

function mountSmallDisk(directory: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a full disk is named, keeps the previous object and leaves no part of the new one', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'farm-full-'));
  const disk = join(directory, 'disk');
  await mkdir(disk);
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !mountSmallDisk(disk)) {
    console.warn('SKIPPED: the full-disk test mounts a small tmpfs, which needs root on Linux.');
    await rm(directory, { recursive: true });
    return context.skip();
  }
  try {
    const storage = await createStorage(configurationFor(disk));
    await storage.put('a', Buffer.from('before'));
    const put = storage.put('a', Readable.from([randomBytes(600_000), randomBytes(600_000)]));
    await expect(put).rejects.toMatchObject({ code: 'storage-full', status: 507 });
    expect(await storage.head('a')).toMatchObject({ size: 6 });
    expect(await readdir(join(disk, 'temporary'))).toEqual([]);
    await storage.put('b', randomBytes(500_000));
    await storage.check();
  } finally {
    execFileSync('umount', [disk]);
    await rm(directory, { recursive: true });
  }
});
