import { createServer } from 'node:net';
import { ServerStartError } from './server-errors.js';

/** A TCP port of 127.0.0.1 on which nothing listens now; another process may still take it before the caller does. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

const PORT_TRIES = 5;

/** Starts a server on a free port, or on another one if that was taken meanwhile. */
export async function onFreePort<Server>(start: (port: number) => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === PORT_TRIES || !isPortTaken(error)) throw error;
    }
  }
}

/** As redis-server and MinIO log it: they have no exit code for it. */
const isPortTaken = (error: unknown): boolean =>
  error instanceof ServerStartError && /address already in use|port is already in use/i.test(error.log);
