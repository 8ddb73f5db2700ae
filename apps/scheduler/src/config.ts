import { readStorageConfiguration, type StorageConfiguration, StorageEnvironment } from '@farm/storage';
import { z } from 'zod';

const Environment = StorageEnvironment.extend({
  REDIS_URL: z.string().default('redis://127.0.0.1:6379'),
  FARM_PUBLIC_URL: z.url().default('http://127.0.0.1:8080'),
  FARM_KEEP_DETAILS_DAYS: z.coerce.number().positive().default(3),
  FARM_UNREFERENCED_MINUTES: z.coerce.number().min(0).default(60),
  FARM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

export interface SchedulerConfig {
  redisUrl: string;
  storage: StorageConfiguration;
  /** How long ended jobs keep their tasks, attempts and pieces. */
  keepDetailsMs: number;
  /** How old an object without a record must be to be deleted: an upload comes before its commit. */
  unreferencedMs: number;
  logLevel: string;
}

/** @throws Error that names every variable that is wrong and what it should be */
export function readConfig(environment: NodeJS.ProcessEnv): SchedulerConfig {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success)
    throw new Error(`The scheduler's settings do not fit:\n${z.prettifyError(parsed.error).replaceAll('→ at', 'in')}`);
  const values = parsed.data;
  return {
    redisUrl: values.REDIS_URL,
    storage: readStorageConfiguration(values, { internal: values.FARM_PUBLIC_URL, public: values.FARM_PUBLIC_URL }),
    keepDetailsMs: values.FARM_KEEP_DETAILS_DAYS * 86_400_000,
    unreferencedMs: values.FARM_UNREFERENCED_MINUTES * 60_000,
    logLevel: values.FARM_LOG_LEVEL,
  };
}
