import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { beforeAll, expect, test } from 'vitest';
import type { ObjectStorage } from '../object-storage.js';
import { listAll, MEBIBYTE, readAll, type StorageUnderTest } from './storage-under-test.js';

/** Sends some bytes, and then neither more nor an end. */
const endlessStream = (bytes: number) =>
  Readable.from(
    (async function* () {
      yield randomBytes(bytes);
      await new Promise(() => undefined);
    })(),
    { objectMode: false },
  );

/** Writes that meet others, are interrupted, or fail: whole or not at all. */
export function testWrites(under: () => StorageUnderTest): void {
  let storage: ObjectStorage;
  beforeAll(() => {
    storage = under().storage;
  });

  test('of concurrent puts of one key, one wins completely', async () => {
    const bodies = Array.from({ length: 6 }, (_, index) => Buffer.alloc(17 * MEBIBYTE + index, index + 1));
    const writers = bodies.map((body, index) =>
      (index % 2 ? under().sibling : storage).put('race/a', Readable.from([body])),
    );
    await Promise.all(writers);
    const winner = (await readAll(storage, 'race/a'))!;
    expect(bodies.some((body) => body.equals(winner))).toBe(true);
  }, 120_000);

  test('puts and deletes in one folder do not disturb each other', async () => {
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const key = `busy/folder/${index % 4}`;
        await storage.put(key, Buffer.from('x'));
        await under().sibling.delete([key]);
      }),
    );
    expect(await listAll(storage, 'busy/')).toEqual([]);
  });

  test.each([1000, 17 * MEBIBYTE])('an upload aborted after %d bytes leaves nothing', async (bytes) => {
    const key = `aborted/${bytes}`;
    const abort = new AbortController();
    const put = storage.put(key, endlessStream(bytes), { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('changed my mind')), 300);
    await expect(put).rejects.toThrow('changed my mind');
    expect(await storage.head(key)).toBeUndefined();
    expect(await listAll(storage, 'aborted/')).toEqual([]);
    expect(await under().unfinishedUploads(key)).toBe(0);
  });

  test('a call with an aborted signal does nothing', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(storage.put('aborted/b', Buffer.from('x'), { signal })).rejects.toThrow('too late');
    await expect(storage.head('aborted/b', { signal })).rejects.toThrow('too late');
    await expect(storage.get('aborted/b', { signal })).rejects.toThrow('too late');
    expect(await storage.head('aborted/b')).toBeUndefined();
  });

  test('a failing source leaves nothing, and its error is passed on', async () => {
    const source = Readable.from(
      (async function* () {
        yield randomBytes(1000);
        throw new Error('the client has gone');
      })(),
      { objectMode: false },
    );
    await expect(storage.put('failing/a', source)).rejects.toMatchObject({
      message: expect.stringMatching(/client has gone/),
    });
    expect(await storage.head('failing/a')).toBeUndefined();
  });

  test('a body of another size than announced, or larger than allowed, leaves nothing', async () => {
    const body = () => Readable.from([randomBytes(1000)]);
    const mismatch = { code: 'size-mismatch', status: 400 };
    await expect(storage.put('sizes/a', body(), { size: 999 })).rejects.toMatchObject(mismatch);
    await expect(storage.put('sizes/a', body(), { size: 1001 })).rejects.toMatchObject(mismatch);
    const tooLarge = { code: 'object-too-large', status: 413 };
    await expect(storage.put('sizes/a', body(), { maximumSize: 999 })).rejects.toMatchObject(tooLarge);
    await expect(storage.put('sizes/a', randomBytes(10), { maximumSize: 9 })).rejects.toMatchObject(tooLarge);
    expect(await storage.head('sizes/a')).toBeUndefined();
    await storage.put('sizes/a', body(), { size: 1000, maximumSize: 1000 });
    expect(await storage.head('sizes/a')).toMatchObject({ size: 1000 });
  });
}
