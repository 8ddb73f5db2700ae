import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ObjectStorage } from '../object-storage.js';
import { listAll, MEBIBYTE, readAll, type StorageUnderTest } from './storage-under-test.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Objects of every size and origin, whole and in parts. */
export function testObjects(under: () => StorageUnderTest): void {
  let storage: ObjectStorage;
  let folder: string;
  beforeAll(async () => {
    storage = under().storage;
    folder = await mkdtemp(join(tmpdir(), 'farm-conformance-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('what was put is found by get, head, getToFile and list', async () => {
    const before = Date.now();
    const bytes = randomBytes(10_000);
    expect(await storage.put('basic/a.png', bytes)).toEqual({ size: 10_000 });
    expect(await readAll(storage, 'basic/a.png')).toEqual(bytes);

    const info = await storage.head('basic/a.png');
    expect(info).toMatchObject({ size: 10_000, contentType: 'image/png' });
    expect(Math.abs(info!.modifiedAt.getTime() - before)).toBeLessThan(60_000);

    const filePath = join(folder, 'a.png');
    expect(await storage.getToFile('basic/a.png', filePath)).toMatchObject({
      size: 10_000,
      contentType: 'image/png',
    });
    expect(await readFile(filePath)).toEqual(bytes);

    const [listed] = await listAll(storage, 'basic/');
    expect(listed).toMatchObject({ key: 'basic/a.png', size: 10_000 });
    expect(Math.abs(listed!.modifiedAt.getTime() - before)).toBeLessThan(60_000);
  });

  test('an object comes from bytes, a file, a stream with its size and a stream without', async () => {
    const bytes = randomBytes(300_000);
    const filePath = join(folder, 'source.bin');
    await writeFile(filePath, bytes);
    const chunks = () => Readable.from([bytes.subarray(0, 7), bytes.subarray(7, 250_001), bytes.subarray(250_001)]);
    await storage.put('from/bytes', new Uint8Array(bytes));
    await storage.put('from/file', { filePath });
    await storage.put('from/sized', chunks(), { size: bytes.length });
    await storage.put('from/unsized', chunks());
    for (const key of ['from/bytes', 'from/file', 'from/sized', 'from/unsized']) {
      expect((await readAll(storage, key))?.equals(bytes), key).toBe(true);
    }
  });

  test('a content type that differs from the extension is kept until the next put', async () => {
    await storage.put('typed/a.bin', Buffer.from('x'), { contentType: 'video/webm' });
    expect((await storage.head('typed/a.bin'))?.contentType).toBe('video/webm');
    const object = await storage.get('typed/a.bin');
    object?.stream.destroy();
    expect(object?.contentType).toBe('video/webm');
    await storage.put('typed/a.bin', Buffer.from('x'));
    expect((await storage.head('typed/a.bin'))?.contentType).toBe('application/octet-stream');
  });

  test('absence is a value', async () => {
    expect(await storage.get('absent/a')).toBeUndefined();
    expect(await storage.get('absent/a', { range: { start: 5 } })).toBeUndefined();
    expect(await storage.head('absent/a')).toBeUndefined();
    expect(await storage.getToFile('absent/a', join(folder, 'absent'))).toBeUndefined();
    expect(await readdir(folder)).not.toContain('absent');
    expect(await listAll(storage, 'absent/')).toEqual([]);
    await storage.delete(['absent/a', 'absent/b']);
    await storage.put('absent/folder/a', Buffer.from('x'));
    expect(await storage.head('absent/folder')).toBeUndefined();
    expect(await storage.get('absent/folder')).toBeUndefined();
  });

  test('a range returns its bytes and the size of the whole object', async () => {
    const bytes = randomBytes(1000);
    await storage.put('range/a', bytes);
    const part = async (range: { start: number; end?: number }) => {
      const object = (await storage.get('range/a', { range }))!;
      return { size: object.size, start: object.start, end: object.end, bytes: await buffer(object.stream) };
    };
    expect(await part({ start: 0, end: 0 })).toEqual({ size: 1000, start: 0, end: 0, bytes: bytes.subarray(0, 1) });
    expect(await part({ start: 0 })).toEqual({ size: 1000, start: 0, end: 999, bytes });
    expect(await part({ start: 100, end: 199 })).toEqual({
      size: 1000,
      start: 100,
      end: 199,
      bytes: bytes.subarray(100, 200),
    });
    expect(await part({ start: 990, end: 5000 })).toMatchObject({ end: 999, bytes: bytes.subarray(990) });
    expect(await part({ start: 999 })).toMatchObject({ start: 999, end: 999, bytes: bytes.subarray(999) });
    for (const range of [{ start: 1000 }, { start: 5, end: 4 }, { start: -1 }]) {
      await expect(storage.get('range/a', { range })).rejects.toMatchObject({ code: 'invalid-range' });
    }
  });

  test('an overwrite replaces the whole object', async () => {
    await storage.put('over/a', randomBytes(5000));
    await storage.put('over/a', Buffer.from('short'));
    expect((await readAll(storage, 'over/a'))?.toString()).toBe('short');
  });

  test('an empty object is an object', async () => {
    expect(await storage.put('empty/a', Buffer.alloc(0))).toEqual({ size: 0 });
    expect(await storage.put('empty/b', Readable.from([]))).toEqual({ size: 0 });
    expect(await readAll(storage, 'empty/a')).toEqual(Buffer.alloc(0));
    expect(await storage.head('empty/b')).toMatchObject({ size: 0 });
    expect(await storage.get('empty/b')).toMatchObject({ size: 0, start: 0, end: -1 });
  });

  test('20 MB come back unchanged', async () => {
    const bytes = randomBytes(20e6);
    const source = Readable.from(
      (function* () {
        for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
      })(),
      { objectMode: false },
    );
    expect(await storage.put('large/a', source)).toEqual({ size: 20_000_000 });
    const filePath = join(folder, 'large');
    await storage.getToFile('large/a', filePath);
    expect(sha256(await readFile(filePath))).toBe(sha256(bytes));
    const tail = await storage.get('large/a', { range: { start: 19_999_990 } });
    expect(await buffer(tail!.stream)).toEqual(bytes.subarray(-10));
    await storage.put('large/exact-part', bytes.subarray(0, 16 * MEBIBYTE));
    expect(await storage.head('large/exact-part')).toMatchObject({ size: 16 * MEBIBYTE });
  }, 60_000);
}
