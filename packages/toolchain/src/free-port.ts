import { createServer } from 'node:net';
import { ServerStartError } from './errors.js';

/** A TCP port of 127.0.0.1 that nothing listens on now; another process may still take it before the caller does. */
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

/** Starts a server on a free port; on another one when somebody took it meanwhile. */
export async function onFreePort<Server>(start: (port: number) => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === PORT_TRIES || !isPortTaken(error)) throw error;
    }
  }
}

/** In the words of redis-server and of MinIO. */
const isPortTaken = (error: unknown): boolean =>
  error instanceof ServerStartError && /address already in use|port is already in use/i.test(error.message);
