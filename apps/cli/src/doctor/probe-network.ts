import { connect, createServer } from 'node:net';
import type { MachineProbe, ServiceProbe } from './probe-results.js';

const RESPONSE_TIMEOUT_MS = 3000;
const defaultPorts: Readonly<Record<string, number>> = { 'redis:': 6379, 'rediss:': 6379, 'http:': 80, 'https:': 443 };

/** Whether something accepts connections at a service's address. Its credentials are neither used nor shown. */
export async function probeService(url: string): Promise<ServiceProbe> {
  if (!URL.canParse(url)) return { address: 'the address', failure: 'it is not a URL' };
  const { protocol, hostname, port } = new URL(url);
  const number = Number(port) || defaultPorts[protocol];
  const address = `${protocol}//${hostname}${number === undefined ? '' : `:${number}`}`;
  if (number === undefined) return { address, failure: `${protocol} is not supported` };
  return { address, failure: await connectionFailure(hostname, number) };
}

function connectionFailure(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: RESPONSE_TIMEOUT_MS });
    const finish = (failure: string | undefined) => {
      socket.destroy();
      resolve(failure);
    };
    socket.once('connect', () => finish(undefined));
    socket.once('timeout', () => finish(`no response within ${RESPONSE_TIMEOUT_MS / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}

/** Whether the API's port is free here, or who has it. */
export async function probePort(port: number): Promise<MachineProbe['port']['state']> {
  if (await canListen(port)) return 'free';
  const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
  const response = await fetch(`http://127.0.0.1:${port}/v1/health`, { signal }).catch(() => undefined);
  return response?.ok && response.headers.get('content-type')?.includes('json') ? 'farm' : 'taken';
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
