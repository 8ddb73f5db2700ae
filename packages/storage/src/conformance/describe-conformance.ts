import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listAll, type StorageUnderTest } from './storage-under-test.js';
import { testKeys } from './test-keys.js';
import { testObjects } from './test-objects.js';
import { testSignedUrls } from './test-signed-urls.js';
import { testWrites } from './test-writes.js';

/** What every storage of the farm must do, tested in the same way for all of them. */
export function describeConformance(name: string, start: () => Promise<StorageUnderTest>): void {
  describe(`${name} conforms`, () => {
    let under: StorageUnderTest;

    beforeAll(async () => {
      under = await start();
    }, 120_000);

    afterAll(async () => {
      await under?.stop();
    });

    test('the root belongs to nobody, then to whoever claims it first', async () => {
      const { storage, sibling } = under;
      expect(await storage.rootId()).toBeUndefined();
      const claims = [storage, sibling, storage, sibling].map((each) => each.claimRoot(randomUUID()));
      const ids = await Promise.all(claims);
      expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
      expect(new Set(ids).size).toBe(1);
      expect(await sibling.rootId()).toBe(ids[0]);
      expect((await listAll(storage, '')).map(({ key }) => key)).not.toContain('.farm-root');
      await expect(storage.put('.farm-root', Buffer.from('mine'))).rejects.toMatchObject({ code: 'invalid-key' });
    });

    testObjects(() => under);
    testKeys(() => under);
    testWrites(() => under);

    test('check passes and leaves nothing', async () => {
      const { storage } = under;
      const before = (await listAll(storage, '')).length;
      await storage.check();
      expect((await listAll(storage, '')).length).toBe(before);
    });

    testSignedUrls(() => under);
  });
}
