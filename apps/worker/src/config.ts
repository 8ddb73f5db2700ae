import { hostname } from 'node:os';
import { EngineName, VramClass } from '@farm/contracts';
import { readStorageConfiguration, type StorageConfiguration, StorageEnvironment } from '@farm/storage';
import { z } from 'zod';

const Environment = StorageEnvironment.extend({
  REDIS_URL: z.string().default('redis://127.0.0.1:6379'),
  FARM_WORKER_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'has 1 to 64 letters, digits, dots, hyphens and underscores')
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

export interface WorkerConfig {
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

/** @throws Error that names every variable that is wrong and what it should be */
export function readConfig(environment: NodeJS.ProcessEnv): WorkerConfig {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success)
    throw new Error(`The worker's settings do not fit:\n${z.prettifyError(parsed.error).replaceAll('→ at', 'in')}`);
  const values = parsed.data;
  return {
    redisUrl: values.REDIS_URL,
    workerId: values.FARM_WORKER_ID ?? `${hostname().slice(0, 40)}-${process.pid}`,
    engine: values.FARM_ENGINE,
    vramClass: values.FARM_VRAM_CLASS,
    python: values.FARM_PYTHON,
    enginePath: values.FARM_ENGINE_PATH,
    engineArguments: values.FARM_ENGINE_ARGUMENTS.split(' ').filter((word) => word !== ''),
    media: { ffmpegPath: values.FARM_FFMPEG, ffprobePath: values.FARM_FFPROBE },
    scratchDirectory: values.FARM_SCRATCH_DIRECTORY,
    maximumSpeechSeconds: values.FARM_MAX_SPEECH_SECONDS,
    logLevel: values.FARM_LOG_LEVEL,
    storage: readStorageConfiguration(values, { internal: values.FARM_PUBLIC_URL, public: values.FARM_PUBLIC_URL }),
  };
}
