import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findPrograms } from './find-programs.js';
import { probePort, probeService } from './probe-network.js';
import { type DirectoryProbe, gpuFields, type MachineProbe, type WeightsProbe } from './probe-results.js';
import { runProbe } from './run-probe.js';
import { pythonProgram, torchProgram } from './torch-program.js';

export interface ProbeOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly dataDirectory: string;
  readonly port: number;
  readonly weightsFolder?: string | undefined;
}

/** Looks at everything that `judgeMachine` judges. Changes and installs nothing. */
export async function probeMachine(options: ProbeOptions): Promise<MachineProbe> {
  const { environment, port } = options;
  const programs = await findPrograms(environment);
  const run = (command: string, ...args: string[]) => runProbe(command, args, environment);
  const query = `--query-gpu=${gpuFields.join(',')}`;
  const weightsFolder = options.weightsFolder ?? join(environment.HOME || homedir(), '.avatar-farm', 'weights');
  const [python, ffmpegEncoders, ffprobe, redisServer, nvidiaSmi, nvidiaSmiList, torch] = await Promise.all([
    run(programs.python, '-I', '-c', pythonProgram),
    run(programs.ffmpeg, '-hide_banner', '-encoders'),
    run(programs.ffprobe, '-version'),
    run(programs.redisServer, '--version'),
    run('nvidia-smi', query, '--format=csv,noheader,nounits'),
    run('nvidia-smi', '-L'),
    run(programs.enginePython, '-c', torchProgram),
  ]);
  return {
    nodeVersion: process.version,
    ...{ python, ffmpegEncoders, ffprobe, redisServer, nvidiaSmi, nvidiaSmiList, torch },
    redisService: environment.REDIS_URL ? await probeService(environment.REDIS_URL) : undefined,
    storageService: environment.S3_ENDPOINT ? await probeService(environment.S3_ENDPOINT) : undefined,
    dataDirectory: await probeDirectory(options.dataDirectory),
    port: { number: port, state: await probePort(port) },
    weights: await probeWeights(weightsFolder),
    visibleDevices: environment.CUDA_VISIBLE_DEVICES,
  };
}

/** A folder that does not exist yet is judged by the nearest one that does. */
async function probeDirectory(path: string): Promise<DirectoryProbe> {
  const existing = await nearestFolder(resolve(path));
  const writable = await access(existing, constants.W_OK).then(
    () => true,
    () => false,
  );
  return { path, writable, freeBytes: await freeBytes(existing) };
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() || dirname(path) === path ? path : nearestFolder(dirname(path));
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** The inventory that a pull leaves next to the weights, under its current name or the one before. */
const inventoryNames = ['farm-weights.json', 'farm-models.json'];

async function readInventory(folder: string): Promise<Array<{ path: string; size: number }>> {
  for (const name of inventoryNames) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
    if (text !== undefined) return JSON.parse(text).files;
  }
  return [];
}

async function probeWeights(folder: string): Promise<WeightsProbe> {
  const files = await readInventory(folder);
  const wrongFiles: string[] = [];
  for (const { path, size } of files) {
    const found = await stat(join(folder, path)).catch(() => undefined);
    if (found?.size !== size) wrongFiles.push(path);
  }
  return {
    folder,
    fileCount: files.length,
    wrongFiles,
    freeBytes: await freeBytes(await nearestFolder(resolve(folder))),
  };
}
