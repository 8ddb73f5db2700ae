import { parseEnvironment } from '@farm/process';
import { readStorageConfiguration, type StorageConfiguration, StorageEnvironment } from '@farm/storage';
import { z } from 'zod';

const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);

const Environment = StorageEnvironment.extend({
  REDIS_URL: z.string().min(1),
  FARM_HOST: z.string().min(1).default('127.0.0.1'),
  FARM_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  FARM_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  FARM_INTERNAL_URL: z.url({ protocol: /^https?$/ }).optional(),
  FARM_ADMIN_KEY_FILE: z.string().min(1).optional(),
  FARM_FFMPEG: z.string().min(1).default('ffmpeg'),
  FARM_FFPROBE: z.string().min(1).default('ffprobe'),
  FARM_TEMPORARY_DIRECTORY: z.string().min(1).optional(),
  FARM_MAX_SPEECH_SECONDS: count(7200),
  FARM_MAX_UPLOAD_BYTES: count(2_000_000_000),
  FARM_MAX_PORTRAIT_BYTES: z.coerce.number().int().positive().optional(),
  /** The former name of FARM_MAX_PORTRAIT_BYTES. */
  FARM_MAX_IMAGE_BYTES: count(50_000_000),
  FARM_MAX_REQUESTS_PER_MINUTE: count(1200),
  FARM_MAX_UNENDED_JOBS: count(2000),
  FARM_MAX_REFUSED_KEYS_PER_MINUTE: count(120),
  FARM_UPLOAD_STALL_SECONDS: count(30),
  FARM_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  FARM_TRUST_PROXY: z.stringbool().default(false),
});

/** The settings of the API process, checked once at its start. */
export interface Configuration {
  redisUrl: string;
  host: string;
  port: number;
  storage: StorageConfiguration;
  /** Checks the signed URLs of filesystem storage; absent with S3, which checks its own. */
  signingSecret: string | undefined;
  publicUrl: string;
  adminKeyFile: string | undefined;
  ffmpegPath: string;
  ffprobePath: string;
  temporaryDirectory: string | undefined;
  logLevel: string;
  trustProxy: boolean;
  limits: Limits;
}

export interface Limits {
  maximumSpeechSeconds: number;
  maximumUploadBytes: number;
  maximumPortraitBytes: number;
  /** Per owner; administrators may set others for one owner. */
  requestsPerMinute: number;
  unendedJobs: number;
  /** Per address and replica. */
  refusedKeysPerMinute: number;
  /** A request body that stalls this long is given up. */
  uploadStallSeconds: number;
}

/** @throws ConfigurationError naming each variable that is missing or wrong */
export function readConfiguration(variables: NodeJS.ProcessEnv): Configuration {
  const environment = parseEnvironment('API', Environment, variables);
  const own = `http://${environment.FARM_HOST}:${environment.FARM_PORT}`;
  const publicUrl = environment.FARM_PUBLIC_URL ?? own;
  const storage = readStorageConfiguration(environment, {
    internal: environment.FARM_INTERNAL_URL ?? own,
    public: publicUrl,
  });
  return {
    redisUrl: environment.REDIS_URL,
    host: environment.FARM_HOST,
    port: environment.FARM_PORT,
    storage,
    signingSecret: storage.kind === 'filesystem' ? storage.secret : undefined,
    publicUrl,
    adminKeyFile: environment.FARM_ADMIN_KEY_FILE,
    ffmpegPath: environment.FARM_FFMPEG,
    ffprobePath: environment.FARM_FFPROBE,
    temporaryDirectory: environment.FARM_TEMPORARY_DIRECTORY,
    logLevel: environment.FARM_LOG_LEVEL,
    trustProxy: environment.FARM_TRUST_PROXY,
    limits: limitsOf(environment),
  };
}

const limitsOf = (environment: z.infer<typeof Environment>): Limits => ({
  maximumSpeechSeconds: environment.FARM_MAX_SPEECH_SECONDS,
  maximumUploadBytes: environment.FARM_MAX_UPLOAD_BYTES,
  maximumPortraitBytes: environment.FARM_MAX_PORTRAIT_BYTES ?? environment.FARM_MAX_IMAGE_BYTES,
  requestsPerMinute: environment.FARM_MAX_REQUESTS_PER_MINUTE,
  unendedJobs: environment.FARM_MAX_UNENDED_JOBS,
  refusedKeysPerMinute: environment.FARM_MAX_REFUSED_KEYS_PER_MINUTE,
  uploadStallSeconds: environment.FARM_UPLOAD_STALL_SECONDS,
});
