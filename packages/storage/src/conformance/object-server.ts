import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ObjectStorage } from '../object-storage.js';
import { serveObject } from '../serve-object.js';
import { OBJECTS_PATH, verifyObjectUrl } from '../signed-object-url.js';

export interface ObjectServer {
  port: number;
  stop(): Promise<void>;
}

/** The minimum that an API does with signed URLs: verify, then serve or store. */
export async function startObjectServer(secret: string, storage: () => ObjectStorage): Promise<ObjectServer> {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const key = url.pathname.slice(OBJECTS_PATH.length).split('/').map(decodeURIComponent).join('/');
    const method = request.method ?? '';
    const verified = verifyObjectUrl({ secret, method, key, query: url.searchParams });
    if (!verified.valid) {
      response.writeHead(403).end(verified.reason);
    } else if (method === 'PUT') {
      await storage().put(key, request);
      response.writeHead(200).end();
    } else {
      const { downloadName } = verified;
      const range = request.headers.range;
      const served = await serveObject(storage(), key, { method: method as 'GET' | 'HEAD', range, downloadName });
      response.writeHead(served.status, served.headers);
      if (served.stream) served.stream.pipe(response);
      else response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
