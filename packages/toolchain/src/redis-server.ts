import { mkdir, readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ToolchainContext, toolchainContext } from './context.js';
import { onFreePort } from './free-port.js';
import { type GuardedProcess, startGuardedProcess } from './guarded-process.js';
import { logTail } from './log-tail.js';
import { obtainRedisServer } from './obtain-redis.js';
import { FolderInUseError, ServerEndedError, ServerNotReadyError } from './server-errors.js';

export interface RedisServerOptions {
  /** Holds the configuration, the append-only file and the log; created when missing. Another start on it restores the data. */
  readonly directory: string;
  /** Another address to listen on besides 127.0.0.1; it needs a password. Default: none. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly password?: string;
  /** In Redis notation, such as `64mb`. Default: no limit. */
  readonly maxMemory?: string;
  readonly context?: ToolchainContext;
}

export interface RunningRedisServer extends GuardedProcess {
  /** `redis://[:password@]127.0.0.1:port`, whatever other address it listens on. */
  readonly url: string;
  readonly port: number;
}

const START_TIMEOUT_MS = 30_000;
const PREVIOUS_SERVER_TIMEOUT_MS = 10_000;

function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A wildcard includes the loopback address. */
function boundAddresses(host = '127.0.0.1'): string {
  return host === '127.0.0.1' || host === '0.0.0.0' ? host : `127.0.0.1 ${host}`;
}

function configuration(options: RedisServerOptions, directory: string, port: number): string {
  const lines = [
    `bind ${boundAddresses(options.host)}`,
    `port ${port}`,
    `dir ${quoted(directory)}`,
    `pidfile ${quoted(join(directory, 'redis.pid'))}`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    // Records hold JSON of a few hundred bytes: in the compact encoding they need a fifth less memory. Redis 7 calls it
    // listpack and accepts this older name as well.
    'hash-max-ziplist-value 4096',
  ];
  if (options.maxMemory !== undefined) lines.push(`maxmemory ${options.maxMemory}`);
  if (options.password !== undefined) lines.push(`requirepass ${quoted(options.password)}`);
  return `${lines.join('\n')}\n`;
}

const request = (...words: string[]) =>
  [`*${words.length}`, ...words.flatMap((word) => [`$${Buffer.byteLength(word)}`, word]), ''].join('\r\n');

/** Asks whatever listens on the port for its process id and a PONG; resolves with the response after at most 2 s. */
function askServer(port: number, password: string | undefined): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let answer = '';
    const finish = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, finish);
    socket.once('error', finish);
    socket.once('close', finish);
    socket.on('data', (bytes) => {
      answer += bytes.toString();
      if (/^(\+PONG|-.*)\r\n$/m.test(answer)) finish();
    });
    const login = password === undefined ? '' : request('AUTH', password);
    socket.write(login + request('INFO', 'server') + request('PING'));
  });
}

async function waitUntilReady(server: GuardedProcess, port: number, options: RedisServerOptions): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  let deadline = Date.now() + START_TIMEOUT_MS;
  while (!ended && Date.now() < deadline) {
    const answer = await askServer(port, options.password);
    // Another server may hold the port and respond as well.
    const isOurs = answer.includes(`process_id:${server.pid}\r\n`);
    if (isOurs && answer.includes('+PONG')) return;
    // Loading a large append-only file may take any time.
    if (isOurs && answer.includes('-LOADING')) deadline = Date.now() + START_TIMEOUT_MS;
    await sleep(20);
  }
  await server.stop();
  const log = await logTail(join(options.directory, 'redis.log'));
  if (ended) throw new ServerEndedError('redis-server', log);
  throw new ServerNotReadyError({ server: 'redis-server', port, timeoutMs: START_TIMEOUT_MS, log });
}

/** Two servers on one append-only file would destroy it: one that a killed farm left must be gone first. */
async function waitForPreviousServer(directory: string): Promise<void> {
  const deadline = Date.now() + PREVIOUS_SERVER_TIMEOUT_MS;
  const pid = Number(await readFile(join(directory, 'redis.pid'), 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return;
  while ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) === directory) {
    if (Date.now() > deadline) throw new FolderInUseError('redis-server', directory, pid);
    await sleep(50);
  }
}

async function startOn(options: RedisServerOptions, directory: string, port: number): Promise<RunningRedisServer> {
  const context = options.context ?? toolchainContext();
  const configurationFile = join(directory, 'redis.conf');
  await writeFile(configurationFile, configuration(options, directory, port), { mode: 0o600 });
  const server = await startGuardedProcess({
    command: await obtainRedisServer(context),
    args: [configurationFile],
    logFile: join(directory, 'redis.log'),
    environment: context.environment,
    cwd: directory,
  });
  await waitUntilReady(server, port, options);
  const login = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  return { ...server, port, url: `redis://${login}127.0.0.1:${port}` };
}

/**
 * Starts a private redis-server (append-only file, fsync every second, noeviction) and waits until it is ready.
 * @throws ServerStartError when it ends or does not become ready; ToolMissingError when there is no redis-server
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RunningRedisServer> {
  await mkdir(options.directory, { recursive: true });
  const directory = await realpath(options.directory);
  await waitForPreviousServer(directory);
  const start = (port: number) => startOn(options, directory, port);
  return options.port === undefined ? onFreePort(start) : start(options.port);
}
