import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobView, Problem, Role } from '@farm/contracts';
import { openTicketQueues } from '@farm/queue';
import { claimStorageRoot, connectRedis, createApiKey, type RecordsContext } from '@farm/records';
import { createStorage, type ObjectStorage } from '@farm/storage';
import { type RunningRedisServer, startRedisServer } from '@farm/toolchain';
import { pino } from 'pino';
import { buildApp } from './app.js';
import { type Limits, readConfiguration } from './configuration.js';
import { EventHub } from './event-hub.js';

const run = promisify(execFile);

export interface TestReplica {
  url: string;
  records: RecordsContext;
  storage: ObjectStorage;
  /** Lines of the log, as JSON. */
  log: string[];
  close(): Promise<void>;
}

export interface TestFarm extends TestReplica {
  directory: string;
  redisServer: RunningRedisServer;
  /** An administrator's. */
  key: string;
  newKey(owner: string, role?: Role): Promise<string>;
  startReplica(options?: ReplicaOptions): Promise<TestReplica>;
}

export interface ReplicaOptions {
  /** On top of a private Redis and a private folder. */
  environment?: NodeJS.ProcessEnv;
  limits?: Partial<Limits>;
  /** Puts something between the API and its storage. */
  wrapStorage?: (storage: ObjectStorage) => ObjectStorage;
}

async function startReplica(directory: string, redisUrl: string, options: ReplicaOptions): Promise<TestReplica> {
  const configuration = readConfiguration({
    REDIS_URL: redisUrl,
    FARM_STORAGE_DIRECTORY: join(directory, 'storage'),
    FARM_SIGNING_SECRET: 'a secret of the tests and of nothing else',
    FARM_TEMPORARY_DIRECTORY: directory,
    FARM_PORT: '0',
    ...options.environment,
  });
  Object.assign(configuration.limits, { requestsPerMinute: 100_000, refusedKeysPerMinute: 100_000 }, options.limits);
  const redis = connectRedis(redisUrl, { manner: 'prompt', timeoutMs: 1500 });
  const queues = openTicketQueues(redis);
  const records: RecordsContext = { redis, enqueue: (tickets) => queues.add(tickets).catch(() => {}) };
  const plain = await createStorage(configuration.storage);
  await claimStorageRoot(redis, await plain.rootId());
  const storage = options.wrapStorage?.(plain) ?? plain;
  const events = new EventHub(redis);
  const log: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void log.push(line) });
  const app = await buildApp({ configuration, records, storage, events }, logger);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const close = async () => {
    await app.close();
    await events.close();
    await queues.close();
    redis.disconnect();
  };
  let closing: Promise<void> | undefined;
  return {
    url,
    records,
    storage,
    log,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** The real app on real Redis and a real folder, all of its own. */
export async function startTestFarm(options: ReplicaOptions = {}): Promise<TestFarm> {
  const directory = await mkdtemp(join(tmpdir(), 'farm-api-test-'));
  const redisServer = await startRedisServer({ directory: join(directory, 'redis') });
  const replicas: TestReplica[] = [];
  const start = async (replicaOptions: ReplicaOptions = {}) => {
    const replica = await startReplica(directory, redisServer.url, replicaOptions);
    replicas.push(replica);
    return replica;
  };
  const first = await start(options);
  const newKey = async (owner: string, role: Role = 'submit') =>
    (await createApiKey(first.records.redis, { owner, role })).secret;
  return {
    ...first,
    directory,
    redisServer,
    key: await newKey('admin', 'admin'),
    newKey,
    startReplica: start,
    async close() {
      await Promise.all(replicas.map((replica) => replica.close()));
      await redisServer.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export const asBearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** What every job under test is made of, drawn and spoken by ffmpeg. */
export interface TestInputs {
  portrait: Blob;
  /** Four seconds: tones and pauses. */
  speech: Blob;
}

export async function ffmpeg(directory: string, name: string, ...args: string[]): Promise<Blob> {
  const path = join(directory, name);
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args, path]);
  return new Blob([await readFile(path)]);
}

export async function makeInputs(directory: string): Promise<TestInputs> {
  const tones = "aevalsrc='0.4*sin(880*t)*lt(mod(t,1),0.6)':d=4:s=16000";
  return {
    portrait: await ffmpeg(directory, 'portrait.png', '-f', 'lavfi', '-i', 'testsrc2=s=640x768', '-frames:v', '1'),
    speech: await ffmpeg(directory, 'speech.wav', '-f', 'lavfi', '-i', tones),
  };
}

export const plainSpec = { prompt: 'A person speaks to the camera in soft light.' };

/** A part's value: JSON for a spec, bytes for a file. */
export type Parts = [name: string, value: unknown, fileName?: string][];

export function formOf(parts: Parts): FormData {
  const form = new FormData();
  for (const [name, value, fileName] of parts) {
    if (value instanceof Blob) form.append(name, value, fileName ?? name);
    else form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return form;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export async function call<Body = Problem>(url: string, key: string, init: RequestInit = {}): Promise<Answer<Body>> {
  const response = await fetch(url, { ...init, headers: { ...asBearer(key), ...(init.headers as object) } });
  const text = await response.text();
  const isJson = /application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson && text ? JSON.parse(text) : text) as Body,
  };
}

export async function submit<Body = JobView>(
  farm: { url: string; key: string },
  parts: Parts,
  headers: Record<string, string> = {},
): Promise<Answer<Body>> {
  return await call<Body>(`${farm.url}/v1/jobs`, farm.key, { method: 'POST', body: formOf(parts), headers });
}

export const postJson = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Every key in storage, and every name in the judging folder. */
export async function storedKeys(storage: ObjectStorage, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys;
}
