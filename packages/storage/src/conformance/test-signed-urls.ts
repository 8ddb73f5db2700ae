import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ObjectStorage } from '../object-storage.js';
import { readAll, type StorageUnderTest } from './storage-under-test.js';

export function testSignedUrls(under: () => StorageUnderTest): void {
  describe('signed URLs', () => {
    const key = 'signed/clip one+ä.mp4';
    const bytes = randomBytes(2000);
    let storage: ObjectStorage;
    beforeAll(async () => {
      storage = under().storage;
      await storage.put(key, bytes);
    });

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

    test('a download name is sent along', async () => {
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
}
