import { createServer } from 'node:net';
import { CommandError, exitCodes } from '../exit-codes.js';

/** The port itself, or a free one for 0. @throws CommandError that names a port in use */
export async function checkedPort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve((server.address() as { port: number }).port));
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message =
      code === 'EADDRINUSE'
        ? `Port ${port} is in use by another program. Choose another one with --port, or 0 for any free one.`
        : `The farm cannot listen on ${host}:${port} (${code}). Choose another address with --host or --port.`;
    throw new CommandError({ code: 'port-unavailable', exitCode: exitCodes.usage, message, cause });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
