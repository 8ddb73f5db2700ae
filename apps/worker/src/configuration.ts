import { hostname } from 'node:os';
import { EngineName, VramClass } from '@farm/contracts';
import { parseEnvironment } from '@farm/process';
import { readStorageConfiguration, type StorageConfiguration, StorageEnvironment } from '@farm/storage';
import { z } from 'zod';

const Environment = StorageEnvironment.extend({
  REDIS_URL: z.string().default('redis://127.0.0.1:6379'),
  FARM_WORKER_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, hyphens and underscores')
    .optional(),
  FARM_ENGINE: EngineName.default('draft'),
  FARM_VRAM_CLASS: VramClass.optional(),
  FARM_PYTHON: z.string().default('python3'),
  FARM_ENGINE_PATH: z.string().optional(),
  FARM_ENGINE_ARGUMENTS: z.string().default(''),
  FARM_FFMPEG: z.string().default('ffmpeg'),
  FARM_FFPROBE: z.string().default('ffprobe'),
  FARM_SCRATCH_DIRECTORY: z.string().optional(),
  FARM_MAX_SPEECH_SECONDS: z.coerce.number().positive().default(7200),
  FARM_PUBLIC_URL: z.url().default('http://127.0.0.1:8080'),
  FARM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

export interface Configuration {
  redisUrl: string;
  workerId: string;
  engine: EngineName;
  /** Undefined: judged by the card. */
  vramClass: VramClass | undefined;
  python: string;
  /** Folder of the `farm_engine` package; undefined where it is installed in that Python. */
  enginePath: string | undefined;
  engineArguments: string[];
  media: { ffmpegPath: string; ffprobePath: string };
  scratchDirectory: string | undefined;
  maximumSpeechSeconds: number;
  logLevel: string;
  storage: StorageConfiguration;
}

/** @throws ConfigurationError naming each variable that is missing or wrong */
export function readConfiguration(variables: NodeJS.ProcessEnv): Configuration {
  const environment = parseEnvironment('worker', Environment, variables);
  const baseUrls = { internal: environment.FARM_PUBLIC_URL, public: environment.FARM_PUBLIC_URL };
  return {
    redisUrl: environment.REDIS_URL,
    workerId: environment.FARM_WORKER_ID ?? `${hostname().slice(0, 40)}-${process.pid}`,
    engine: environment.FARM_ENGINE,
    vramClass: environment.FARM_VRAM_CLASS,
    python: environment.FARM_PYTHON,
    enginePath: environment.FARM_ENGINE_PATH,
    engineArguments: environment.FARM_ENGINE_ARGUMENTS.split(' ').filter((word) => word !== ''),
    media: { ffmpegPath: environment.FARM_FFMPEG, ffprobePath: environment.FARM_FFPROBE },
    scratchDirectory: environment.FARM_SCRATCH_DIRECTORY,
    maximumSpeechSeconds: environment.FARM_MAX_SPEECH_SECONDS,
    logLevel: environment.FARM_LOG_LEVEL,
    storage: readStorageConfiguration(environment, baseUrls),
  };
}
