import { createServer } from 'node:net';
import { PortUnavailableError } from './errors.js';

/** The port itself, or a free one for 0. @throws PortUnavailableError */
export async function checkedPort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve((server.address() as { port: number }).port));
    });
  } catch (cause) {
    throw new PortUnavailableError({ host, port, cause: cause as Error });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
