import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { toolchainContext } from '@farm/toolchain';
import { glob } from 'tinyglobby';

export interface FarmPrograms {
  readonly python: string;
  /** The Python that the engine runs in: one with PyTorch, where there is one. */
  readonly enginePython: string;
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly redisServer: string;
}

/** Where `farm up` would find its programs, without installing any: the environment, the cache, the PATH. */
export async function findPrograms(environment: NodeJS.ProcessEnv): Promise<FarmPrograms> {
  const { cacheDirectory } = toolchainContext({ environment });
  const kept = async (...patterns: string[]) =>
    (await glob(patterns, { cwd: cacheDirectory, absolute: true })).sort()[0];
  const unpacked = (name: string) => kept(`*/*/bin/${name}`);
  const torchFolder = await kept('python/*/lib/python3*/site-packages/torch/__init__.py');
  const torchPython = torchFolder && join(torchFolder, '../../../../../bin/python');
  const python = environment.FARM_PYTHON || 'python3';
  return {
    python,
    enginePython: environment.FARM_PYTHON || (torchPython && (await exists(torchPython)) ? torchPython : python),
    ffmpeg: environment.FARM_FFMPEG || (await unpacked('ffmpeg')) || 'ffmpeg',
    ffprobe: environment.FARM_FFPROBE || (await unpacked('ffprobe')) || 'ffprobe',
    redisServer: environment.FARM_REDIS_SERVER || (await unpacked('redis-server')) || 'redis-server',
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
