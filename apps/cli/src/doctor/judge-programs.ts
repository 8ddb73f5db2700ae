import { z } from 'zod';
import { type Finding, fine, note, problem } from './finding.js';
import type { MachineProbe, ProbeOutput } from './probe-results.js';
import { isAtLeast, versionIn } from './version.js';

const OLDEST_NODE = [20, 19];
const OLDEST_PYTHON = [3, 10];
/** As docs/architecture.md promises. */
const OLDEST_REDIS = [6, 0];

/** Node, Python, ffmpeg, Redis: what a farm needs with and without a GPU. */
export function judgePrograms(probe: MachineProbe): Finding[] {
  return [judgeNode(probe.nodeVersion), judgePython(probe.python), ...judgeFfmpeg(probe), judgeRedis(probe)];
}

function judgeNode(nodeVersion: string): Finding {
  const version = versionIn(nodeVersion) ?? [];
  if (isAtLeast(version, OLDEST_NODE)) return fine('node', `Node ${version.join('.')}`);
  return problem('node', `Node ${version.join('.')} is too old.`, 'Install Node 20.19 or newer.');
}

const PythonFacts = z.object({ version: z.string(), executable: z.string(), venv: z.boolean() });

function judgePython(output: ProbeOutput): Finding {
  const remedy =
    'Install Python 3.10 or newer (Debian, Ubuntu: apt-get install python3 python3-venv), or set FARM_PYTHON.';
  if (output.kind !== 'ran' || output.exitCode !== 0) return problem('python', `Python ${absence(output)}.`, remedy);
  const facts = PythonFacts.parse(JSON.parse(output.stdout));
  if (!isAtLeast(versionIn(facts.version) ?? [], OLDEST_PYTHON)) {
    return problem('python', `Python ${facts.version} (${facts.executable}) is too old.`, remedy);
  }
  if (facts.venv) return fine('python', `Python ${facts.version} (${facts.executable})`);
  const minor = facts.version.split('.').slice(0, 2).join('.');
  const found = `Python ${facts.version} (${facts.executable}) has no venv, which the engine's packages need.`;
  return problem('python', found, `Debian, Ubuntu: apt-get install python${minor}-venv.`);
}

function judgeFfmpeg({ ffmpegEncoders, ffprobe }: MachineProbe): Finding[] {
  const remedy =
    '`farm up` installs it where it can. Otherwise install it: apt-get install ffmpeg, brew install ffmpeg.';
  if (ffmpegEncoders.kind === 'missing' || ffprobe.kind === 'missing') {
    return [note('ffmpeg', 'ffmpeg and ffprobe are not on the PATH.', remedy)];
  }
  if (!ran(ffmpegEncoders)) return [problem('ffmpeg', `ffmpeg ${absence(ffmpegEncoders)}.`, remedy)];
  if (!ran(ffprobe)) return [problem('ffmpeg', `ffprobe ${absence(ffprobe)}.`, remedy)];
  const lacking = ['libx264', 'aac'].filter((encoder) => !new RegExp(`\\b${encoder}\\b`).test(ffmpegEncoders.stdout));
  const version = versionIn(ffprobe.stdout)?.join('.') ?? 'of unknown version';
  if (lacking.length === 0) return [fine('ffmpeg', `ffmpeg ${version} with libx264 and aac`)];
  const found = `ffmpeg ${version} was built without ${lacking.join(' and ')}, which every video is made with.`;
  return [problem('ffmpeg', found, 'Install a full build (not Fedora’s ffmpeg-free), or set FARM_FFMPEG to one.')];
}

function judgeRedis({ redisServer, redisService }: MachineProbe): Finding {
  if (redisService !== undefined) {
    const { address, failure } = redisService;
    if (failure === undefined) return fine('redis', `${address} is listening`);
    return problem('redis', `${address} is unavailable (${failure}).`, 'Start it, or correct REDIS_URL.');
  }
  const remedy =
    '`farm up` installs its own where it can. Otherwise install it: apt-get install redis-server, brew install redis.';
  if (redisServer.kind === 'missing') return note('redis', 'redis-server is not on the PATH.', remedy);
  if (!ran(redisServer)) return problem('redis', `redis-server ${absence(redisServer)}.`, remedy);
  const version = versionIn(/v=(\S+)/.exec(redisServer.stdout)?.[1] ?? redisServer.stdout) ?? [];
  if (isAtLeast(version, OLDEST_REDIS)) return fine('redis', `redis-server ${version.join('.')}`);
  return problem(
    'redis',
    `redis-server ${version.join('.')} is too old.`,
    `Install Redis ${OLDEST_REDIS.join('.')} or newer.`,
  );
}

export function ran(output: ProbeOutput): output is ProbeOutput & { kind: 'ran' } {
  return output.kind === 'ran' && output.exitCode === 0;
}

/** Why a program gave no output, as the end of a sentence. */
export function absence(output: ProbeOutput): string {
  if (output.kind === 'missing') return 'is not on the PATH';
  if (output.kind === 'timed-out') return `did not finish within ${output.seconds} s`;
  const [line = ''] = (output.stderr.trim() || output.stdout.trim()).split('\n').slice(-1);
  return `ended with exit code ${output.exitCode}${line ? ` (${line})` : ''}`;
}
