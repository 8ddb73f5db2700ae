import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { FarmClient } from '@farm/client';
import { hasEnded, type JobDetail, type JobSpec, Manifest } from '@farm/contracts';
import {
  type LocalFarm,
  type LocalFarmOptions,
  mainFiles,
  samplePortrait,
  sampleSpeech,
  startLocalFarm,
} from '@farm/local-farm';
import { connectRedis, type RecordsContext } from '@farm/records';
import { type GuardedProcess, obtainFfmpeg, startGuardedProcess, toolchainContext } from '@farm/toolchain';

const run = promisify(execFile);

export interface TestFarm {
  readonly farm: LocalFarm;
  readonly client: FarmClient;
  /** The records themselves, to see what the API does not show. */
  readonly records: RecordsContext;
  readonly folder: string;
  /** What the supervisor reported about processes that ended. */
  readonly troubles: string[];
  /** Submits the sample portrait and a recording with a fixed seed. */
  submit(speechPath: string, spec?: Partial<JobSpec>): Promise<JobDetail>;
  untilEnded(jobId: string): Promise<JobDetail>;
  /** Polls until `accept` holds; fails when the job ends before or time runs out. */
  until(jobId: string, accept: (job: JobDetail) => boolean, seconds?: number): Promise<JobDetail>;
  manifest(jobId: string): Promise<Manifest>;
  /** @param name of its log file, where the id is not enough */
  addWorker(id: string, environment?: NodeJS.ProcessEnv, name?: string): Promise<GuardedProcess>;
  close(): Promise<void>;
}

/** A whole farm of real processes in a folder of its own. */
export async function openTestFarm(options: Partial<LocalFarmOptions> = {}): Promise<TestFarm> {
  const folder = await mkdtemp(join(tmpdir(), 'farm-test-'));
  const troubles: string[] = [];
  const farm = await startLocalFarm({
    directory: join(folder, 'data'),
    host: '127.0.0.1',
    port: 0,
    storage: 'filesystem',
    engine: 'draft',
    engineArguments: [],
    toolchain: toolchainContext(),
    onTrouble: (message) => troubles.push(message),
    ...options,
  });
  const client = new FarmClient({ url: farm.url, key: farm.adminKey });
  const redis = connectRedis(farm.environment.REDIS_URL!, { manner: 'patient' });
  const records = { redis, enqueue: async () => {} };
  const workers: GuardedProcess[] = [];

  return {
    farm,
    client,
    records,
    folder,
    troubles,
    async submit(speechPath, spec = {}) {
      const job = await client.submitJob({
        spec: { prompt: 'A woman speaks to the camera', seed: 7, size: '256*256', ...spec },
        portraitPath: samplePortrait,
        speechPath,
      });
      return client.getJob(job.id);
    },
    untilEnded: (jobId) => untilJob(client, { jobId, accept: ({ status }) => hasEnded(status), seconds: 90 }),
    until: (jobId, accept, seconds = 90) => untilJob(client, { jobId, accept, seconds }),
    manifest: async (jobId) => Manifest.parse(await client.getManifest(jobId)),
    async addWorker(id, environment = {}, name = id) {
      const worker = await startGuardedProcess({
        command: process.execPath,
        args: [mainFiles.worker],
        logFile: join(folder, `${name}.log`),
        environment: { ...farm.environment, FARM_WORKER_ID: id, ...environment },
      });
      workers.push(worker);
      return worker;
    },
    async close() {
      redis.disconnect();
      await Promise.all(workers.map((worker) => worker.stop()));
      await farm.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilJob(
  client: FarmClient,
  { jobId, accept, seconds }: { jobId: string; accept: (job: JobDetail) => boolean; seconds: number },
): Promise<JobDetail> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const job = await client.getJob(jobId);
    if (accept(job)) return job;
    if (hasEnded(job.status)) throw new Error(`Job ${jobId} ended as ${job.status}: ${JSON.stringify(job.error)}`);
    // Ten per second stays under the limit of requests per owner, which would otherwise slow the client down.
    await sleep(100);
  }
  throw new Error(`Job ${jobId} did not get there in ${seconds} s: ${JSON.stringify(await client.getJob(jobId))}`);
}

/** Content of a video: the raw-frame hash of every piece, in order. */
export const frameHashes = (manifest: Manifest): string[] =>
  manifest.segments.flatMap((segment) => segment.pieces.map((piece) => piece.rawSha256));

/** The sample speech repeated several times, as a WAV file. */
export async function repeatedSpeech(folder: string, times: number): Promise<string> {
  const path = join(folder, `speech-${times}.wav`);
  const known = await access(path).then(
    () => true,
    () => false,
  );
  if (known) return path;
  const { ffmpeg } = await obtainFfmpeg(toolchainContext());
  await run(ffmpeg, ['-v', 'error', '-stream_loop', String(times - 1), '-i', sampleSpeech, path]);
  return path;
}

/** Process id of the engine that belongs to a worker process. */
export async function enginePidOf(workerPid: number): Promise<number> {
  const children = await readFile(`/proc/${workerPid}/task/${workerPid}/children`, 'utf8');
  for (const pid of children.trim().split(' ').map(Number)) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes('farm_engine')) return pid;
  }
  throw new Error(`Worker ${workerPid} has no engine.`);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
