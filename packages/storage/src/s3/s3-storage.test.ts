import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { freePort, obtainMinio, type RunningMinioServer, startMinio, toolchainContext } from '@farm/toolchain';
import { Client } from 'minio';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { describeConformance } from '../conformance/describe-conformance.js';
import { createStorage } from '../create-storage.js';
import type { ObjectStorage } from '../object-storage.js';
import { S3Storage } from './s3-storage.js';
import { sweepUploads } from './sweep-uploads.js';

const found = await obtainMinio(toolchainContext());
const missing = 'reason' in found ? found.reason : undefined;
if (missing !== undefined) console.error(`SKIPPED: storage on S3 is not tested, there is no MinIO server. ${missing}`);

test.runIf(missing !== undefined && process.env.FARM_REQUIRE_MINIO === '1')('there is a MinIO server', () => {
  expect.fail(missing);
});

async function startServer(): Promise<RunningMinioServer & { remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'farm-minio-'));
  const server = await startMinio({ directory });
  return {
    ...server,
    async remove() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const configurationFor = (server: RunningMinioServer, endpoint = server.url) => ({
  kind: 's3' as const,
  endpoint,
  publicEndpoint: `http://localhost:${server.port}`,
  bucket: 'farm-objects',
  accessKeyId: server.accessKey,
  secretAccessKey: server.secretKey,
});

const clientFor = (server: RunningMinioServer) =>
  new Client({
    endPoint: '127.0.0.1',
    port: server.port,
    useSSL: false,
    region: 'us-east-1',
    accessKey: server.accessKey,
    secretKey: server.secretKey,
  });

// MinIO lists the uploads of one whole key only.
async function countUploads(server: RunningMinioServer, key: string): Promise<number> {
  const uploads = await clientFor(server).listIncompleteUploads('farm-objects', key, true).toArray();
  return uploads.length;
}

/** @returns the port */
async function listenOnAnyPort(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Forwards connections to `port` until it is asked to break them. */
async function startProxy(port: number) {
  const sockets = new Set<Socket>();
  let failures = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    if (failures > 0) {
      failures -= 1;
      socket.once('data', () => socket.resetAndDestroy());
      return;
    }
    const onward = connect(port, '127.0.0.1').on('error', () => socket.destroy());
    sockets.add(onward);
    socket.pipe(onward).pipe(socket);
    socket.on('close', () => onward.destroy());
  });
  const listening = await listenOnAnyPort(server);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: `http://127.0.0.1:${listening}`,
    cut,
    failNext: (count: number) => {
      cut();
      failures = count;
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

describe.skipIf(missing !== undefined)('S3 on MinIO', () => {
  describeConformance('S3 storage', async () => {
    const server = await startServer();
    const storage = await createStorage(configurationFor(server));
    const sibling = await createStorage(configurationFor(server));
    return {
      storage,
      sibling,
      unfinishedUploads: (key) => countUploads(server, key),
      async stop() {
        await storage.close();
        await sibling.close();
        await server.remove();
      },
    };
  });

  describe('faults', () => {
    let server: Awaited<ReturnType<typeof startServer>>;
    let proxy: Awaited<ReturnType<typeof startProxy>>;
    let storage: ObjectStorage;

    beforeAll(async () => {
      server = await startServer();
    });
    afterAll(() => server.remove());
    afterEach(async () => {
      await storage.close();
      await proxy?.stop();
    });

    test('calls whose connection breaks are retried', async () => {
      proxy = await startProxy(server.port);
      storage = await createStorage(configurationFor(server, proxy.url));
      await storage.check();
      const bytes = randomBytes(40e6);
      proxy.failNext(2);
      await storage.put('retry/a', Readable.from([bytes]));
      proxy.failNext(2);
      expect(await storage.head('retry/a')).toMatchObject({ size: 40e6 });
      proxy.failNext(2);
      const object = await storage.get('retry/a');
      expect((await buffer(object!.stream)).equals(bytes)).toBe(true);
      proxy.failNext(2);
      await storage.delete(['retry/a']);
      proxy.failNext(10);
      await expect(storage.head('retry/a')).rejects.toMatchObject({ code: 'storage-unavailable' });
    });

    test('a connection that breaks during a body ends the stream with a named error', async () => {
      proxy = await startProxy(server.port);
      storage = await createStorage(configurationFor(server, proxy.url));
      await storage.put('broken/a', randomBytes(30e6));
      const object = await storage.get('broken/a');
      object!.stream.once('readable', () => proxy.cut());
      await expect(buffer(object!.stream)).rejects.toMatchObject({ code: 'storage-unavailable' });
      const directory = await mkdtemp(join(tmpdir(), 'farm-broken-'));
      const saving = storage.getToFile('broken/a', join(directory, 'a'));
      setTimeout(proxy.cut, 30);
      await saving.catch((error: unknown) => expect(error).toMatchObject({ code: 'storage-unavailable' }));
      await rm(directory, { recursive: true });
    });

    test('parts of a broken upload are swept', async () => {
      proxy = await startProxy(server.port);
      storage = await createStorage(configurationFor(server, proxy.url));
      await storage.check();
      const source = Readable.from(
        (async function* () {
          yield randomBytes(33 * 1024 * 1024);
          await vi.waitUntil(async () => (await countUploads(server, 'dead/a')) === 1, { timeout: 10_000 });
          await proxy.stop();
          yield randomBytes(33 * 1024 * 1024);
        })(),
        { objectMode: false },
      );
      await expect(storage.put('dead/a', source)).rejects.toMatchObject({ code: 'storage-unavailable' });
      await storage.close();
      storage = await createStorage(configurationFor(server));
      expect(await storage.head('dead/a')).toBeUndefined();
      expect(await countUploads(server, 'dead/a')).toBe(1);
      const sweep = (before: number) =>
        sweepUploads(clientFor(server), 'farm-objects', { prefix: 'dead/a', before: new Date(before) });
      expect(await sweep(Date.now() - 3600_000)).toBe(0);
      expect(await sweep(Date.now() + 60_000)).toBe(1);
      expect(await countUploads(server, 'dead/a')).toBe(0);
      expect(await storage.sweepUnfinishedUploads({ olderThanMs: 0 })).toEqual({ removed: 0 });
    });

    test('a missing server is named, quickly', async () => {
      storage = await createStorage(configurationFor(server, `http://127.0.0.1:${await freePort()}`));
      const begin = Date.now();
      await expect(storage.check()).rejects.toMatchObject({
        code: 'storage-unavailable',
        status: 503,
        message: expect.stringMatching(/127\.0\.0\.1.*ECONNREFUSED/),
      });
      expect(Date.now() - begin).toBeLessThan(5000);
    });

    test('a server that never responds is abandoned, immediately when the call is aborted', async () => {
      const silent = createServer((socket) => void socket.on('error', () => undefined));
      const port = await listenOnAnyPort(silent);
      const settings = {
        ...configurationFor(server, `http://127.0.0.1:${port}`),
        region: 'us-east-1',
        pathStyle: true,
      };
      storage = new S3Storage(settings, { connectMs: 200, idleMs: 1000 });
      const signal = AbortSignal.timeout(300);
      await expect(storage.head('a', { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
      await expect(storage.head('a')).rejects.toMatchObject({
        code: 'storage-unavailable',
        data: { reason: 'IDLE_TIMEOUT' },
      });
      silent.close();
    });

    test('wrong keys are named', async () => {
      storage = await createStorage({ ...configurationFor(server), secretAccessKey: 'not the secret' });
      await expect(storage.put('a', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage-access-denied' });
    });

    test('credentials come from files', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'farm-credentials-'));
      const [idFile, secretFile] = [join(directory, 'id'), join(directory, 'secret')];
      await writeFile(idFile, `${server.accessKey}\n`);
      await writeFile(secretFile, `${server.secretKey}\n`);
      const configuration = {
        ...configurationFor(server),
        accessKeyId: { file: idFile },
        secretAccessKey: { file: secretFile },
      };
      storage = await createStorage(configuration);
      await storage.check();
      await rm(secretFile);
      await expect(createStorage(configuration)).rejects.toMatchObject({
        code: 'storage-misconfigured',
        message: expect.stringContaining(secretFile),
      });
      await rm(directory, { recursive: true });
    });

    test('signing needs no server', async () => {
      storage = await createStorage(configurationFor(server, `http://127.0.0.1:${await freePort()}`));
      const url = await storage.presignGet('a/b', { audience: 'public', expiresInSeconds: 60 });
      expect(url).toContain(`http://localhost:${server.port}/farm-objects/a/b?`);
    });
  });
});
