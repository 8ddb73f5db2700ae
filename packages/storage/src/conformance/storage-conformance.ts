import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListedObject, ObjectStorage } from '../object-storage.js';

export interface StorageUnderTest {
  storage: ObjectStorage;
  /** A second process's view of the same root. */
  sibling: ObjectStorage;
  /** Uploads of `key` that were begun and neither finished nor removed. */
  unfinishedUploads(key: string): Promise<number>;
  stop(): Promise<void>;
}

const MEBIBYTE = 1024 * 1024;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const oddKeys = [
  'odd/with space and  two.txt',
  'odd/plus+percent%25question?hash#amp&equals=semi;colon:at@.bin',
  'odd/quote\'double"back`tick(paren)[bracket]{brace}<less>.bin',
  'odd/ünïcödé-日本語-😀.mp4',
  'odd/.hidden',
  'odd/trailing.dot.',
  'odd/~tilde*star|pipe^caret$dollar!bang,comma',
  'odd/12345',
  'odd/1e3',
  'odd/true',
  `odd/${'n'.repeat(200)}`,
];

async function listAll(storage: ObjectStorage, prefix: string): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const object of storage.list(prefix)) found.push(object);
  return found;
}

async function readAll(storage: ObjectStorage, key: string): Promise<Buffer | undefined> {
  const object = await storage.get(key);
  return object === undefined ? undefined : await buffer(object.stream);
}

/** Sends some bytes and then never ends. */
const endlessStream = (bytes: number) =>
  Readable.from(
    (async function* () {
      yield randomBytes(bytes);
      await new Promise(() => undefined);
    })(),
    { objectMode: false },
  );

/** What every storage of the farm must do, in the same words for all of them. */
export function describeConformance(name: string, start: () => Promise<StorageUnderTest>): void {
  describe(`${name} conforms`, () => {
    let under: StorageUnderTest;
    let storage: ObjectStorage;
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'farm-conformance-'));
      under = await start();
      storage = under.storage;
    }, 120_000);

    afterAll(async () => {
      await under?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    test('the root id is made once, by whoever comes first', async () => {
      const ids = await Promise.all([storage, under.sibling, storage, under.sibling].map((each) => each.rootId()));
      expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
      expect(new Set(ids).size).toBe(1);
      expect(await under.sibling.rootId()).toBe(ids[0]);
      expect((await listAll(storage, '')).map(({ key }) => key)).not.toContain('.farm-root');
    });

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

    test('a content type that differs from the extension is kept, and forgotten by the next put', async () => {
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

    test('a range gives its bytes and the size of the whole', async () => {
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

    test('20 MB come back as they went', async () => {
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

    test('keys may have odd characters', async () => {
      for (const key of oddKeys) await storage.put(key, Buffer.from(key));
      for (const key of oddKeys) expect((await readAll(storage, key))?.toString(), key).toBe(key);
      const sorted = oddKeys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect((await listAll(storage, 'odd/')).map(({ key }) => key)).toEqual(sorted);
      const head = await storage.head(oddKeys[1]!);
      expect(head?.size).toBe(Buffer.byteLength(oddKeys[1]!));
      await storage.delete(oddKeys);
      expect(await listAll(storage, 'odd/')).toEqual([]);
    });

    test.each([
      '',
      '/a',
      'a/',
      'a//b',
      '..',
      'a/../b',
      './a',
      'a\\b',
      'a\0b',
      'a\nb',
      'lone\ud800',
      'n'.repeat(256),
      `${'n/'.repeat(256)}n`,
      '.farm-root',
    ])('the key %j is refused', async (key) => {
      const refusal = { code: 'invalid-key' };
      await expect(storage.put(key, Buffer.from('x'))).rejects.toMatchObject(refusal);
      await expect(storage.delete([key])).rejects.toMatchObject(refusal);
      await expect(storage.presignPut(key, { audience: 'internal', expiresInSeconds: 1 })).rejects.toMatchObject(
        refusal,
      );
    });

    test('list takes any prefix and orders by bytes', async () => {
      const keys = ['list/a', 'list/a-b', 'list/a.b/c', 'list/ab/c/d', 'list/ab/e', 'list/b'];
      for (const key of keys.toReversed()) await storage.put(key, Buffer.from(key));
      const keysOf = async (prefix: string) => (await listAll(storage, prefix)).map(({ key }) => key);
      expect(await keysOf('list/')).toEqual(keys);
      expect(await keysOf('list/a')).toEqual(keys.slice(0, 5));
      expect(await keysOf('list/ab/')).toEqual(['list/ab/c/d', 'list/ab/e']);
      expect(await keysOf('list/ab/e')).toEqual(['list/ab/e']);
      expect(await keysOf('list/zz')).toEqual([]);
    });

    test('list and delete go beyond a thousand', async () => {
      const keys = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
      for (let first = 0; first < keys.length; first += 50) {
        await Promise.all(keys.slice(first, first + 50).map((key) => storage.put(key, Buffer.from('x'))));
      }
      expect((await listAll(storage, 'many/')).map(({ key }) => key)).toEqual(keys);
      await storage.delete(keys);
      expect(await listAll(storage, 'many/')).toEqual([]);
    }, 120_000);

    test('of concurrent puts of one key, one wins whole', async () => {
      const bodies = Array.from({ length: 6 }, (_, index) => Buffer.alloc(17 * MEBIBYTE + index, index + 1));
      const writers = bodies.map((body, index) =>
        (index % 2 ? under.sibling : storage).put('race/a', Readable.from([body])),
      );
      await Promise.all(writers);
      const winner = (await readAll(storage, 'race/a'))!;
      expect(bodies.some((body) => body.equals(winner))).toBe(true);
    }, 120_000);

    test('puts and deletes in one folder do not trip over each other', async () => {
      await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const key = `busy/folder/${index % 4}`;
          await storage.put(key, Buffer.from('x'));
          await under.sibling.delete([key]);
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
      expect(await under.unfinishedUploads(key)).toBe(0);
    });

    test('a call with an aborted signal does nothing', async () => {
      const signal = AbortSignal.abort(new Error('too late'));
      await expect(storage.put('aborted/b', Buffer.from('x'), { signal })).rejects.toThrow('too late');
      await expect(storage.head('aborted/b', { signal })).rejects.toThrow('too late');
      await expect(storage.get('aborted/b', { signal })).rejects.toThrow('too late');
      expect(await storage.head('aborted/b')).toBeUndefined();
    });

    test('a failing source leaves nothing and its error comes through', async () => {
      const source = Readable.from(
        (async function* () {
          yield randomBytes(1000);
          throw new Error('the client went away');
        })(),
        { objectMode: false },
      );
      await expect(storage.put('failing/a', source)).rejects.toMatchObject({
        message: expect.stringMatching(/client went away/),
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

    test('check passes and leaves nothing', async () => {
      const before = (await listAll(storage, '')).length;
      await storage.check();
      expect((await listAll(storage, '')).length).toBe(before);
    });

    describe('signed URLs', () => {
      const key = 'signed/clip one+ä.mp4';
      const bytes = randomBytes(2000);
      beforeAll(() => storage.put(key, bytes).then(() => undefined));

      test.each(['internal', 'public'] as const)('GET, HEAD and Range work for the %s audience', async (audience) => {
        const url = await storage.presignGet(key, { audience, expiresInSeconds: 60 });
        expect(new URL(url).hostname).toBe(audience === 'internal' ? '127.0.0.1' : 'localhost');
        const whole = await fetch(url);
        expect(whole.status).toBe(200);
        expect(whole.headers.get('content-type')).toBe('video/mp4');
        expect(whole.headers.get('accept-ranges')).toBe('bytes');
        expect(Buffer.from(await whole.arrayBuffer())).toEqual(bytes);

        const part = await fetch(url, { headers: { range: 'bytes=100-199' } });
        expect(part.status).toBe(206);
        expect(part.headers.get('content-range')).toBe('bytes 100-199/2000');
        expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(100, 200));
        const suffix = await fetch(url, { headers: { range: 'bytes=-5' } });
        expect(Buffer.from(await suffix.arrayBuffer())).toEqual(bytes.subarray(-5));
        const beyond = await fetch(url, { headers: { range: 'bytes=2000-' } });
        await beyond.arrayBuffer();
        expect(beyond.status).toBe(416);
      });

      test('a download name travels', async () => {
        const options = { audience: 'public', expiresInSeconds: 60, downloadName: 'Lektion "1" – Äpfel.mp4' } as const;
        const response = await fetch(await storage.presignGet(key, options));
        await response.arrayBuffer();
        const disposition = response.headers.get('content-disposition') ?? '';
        expect(disposition).toMatch(/^attachment; /);
        expect(disposition).toContain("filename*=UTF-8''Lektion%20%221%22%20%E2%80%93%20%C3%84pfel.mp4");
      });

      test.each(['internal', 'public'] as const)('PUT works for the %s audience', async (audience) => {
        const target = `signed/put-${audience}`;
        const url = await storage.presignPut(target, { audience, expiresInSeconds: 60 });
        const response = await fetch(url, { method: 'PUT', body: bytes });
        await response.arrayBuffer();
        expect(response.status).toBe(200);
        expect(await readAll(storage, target)).toEqual(bytes);
      });

      test('an absent object is 404', async () => {
        const url = await storage.presignGet(`signed/${randomUUID()}`, { audience: 'internal', expiresInSeconds: 60 });
        const response = await fetch(url);
        await response.arrayBuffer();
        expect(response.status).toBe(404);
      });

      test('an expired URL is refused', async () => {
        const url = await storage.presignGet(key, { audience: 'internal', expiresInSeconds: 1 });
        await new Promise((resolve) => setTimeout(resolve, 2500));
        const response = await fetch(url);
        await response.arrayBuffer();
        expect(response.status).toBe(403);
      });

      test('a changed key, signature or method is refused', async () => {
        await storage.put('signed/other.mp4', Buffer.from('x'));
        const url = await storage.presignGet(key, { audience: 'internal', expiresInSeconds: 60 });
        const last = url.slice(-2) === 'aa' ? 'bb' : 'aa';
        const forgeries = [
          [url.replace(/clip[^?]*/, 'other.mp4'), 'GET'],
          [`${url.slice(0, -2)}${last}`, 'GET'],
          [url, 'PUT'],
          [url, 'DELETE'],
          [url.split('?')[0]!, 'GET'],
        ] as const;
        for (const [forged, method] of forgeries) {
          const response = await fetch(forged, { method, ...(method === 'PUT' ? { body: 'x' } : {}) });
          await response.arrayBuffer();
          expect(response.status, `${method} ${forged}`).toBe(403);
        }
        expect(await readAll(storage, key)).toEqual(bytes);
      });

      test.each([0, -1, 7 * 24 * 3600 + 1, Number.NaN])('a lifetime of %d s is refused', async (expiresInSeconds) => {
        const refused = expect(storage.presignGet(key, { audience: 'public', expiresInSeconds })).rejects;
        await refused.toMatchObject({ code: 'invalid-presign' });
      });
    });
  });
}
