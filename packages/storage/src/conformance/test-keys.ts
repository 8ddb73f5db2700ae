import { beforeAll, expect, test } from 'vitest';
import type { ObjectStorage } from '../object-storage.js';
import { listAll, readAll, type StorageUnderTest } from './storage-under-test.js';

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

/** Which keys there may be, and how they are listed and deleted. */
export function testKeys(under: () => StorageUnderTest): void {
  let storage: ObjectStorage;
  beforeAll(() => {
    storage = under().storage;
  });

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
    await expect(storage.presignPut(key, { audience: 'internal', expiresInSeconds: 1 })).rejects.toMatchObject(refusal);
  });

  test('list accepts any prefix and orders by bytes', async () => {
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
}
