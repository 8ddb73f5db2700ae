import { parseEnvironment } from '@farm/process';
import { readStorageConfiguration, type StorageConfiguration, StorageEnvironment } from '@farm/storage';
import { z } from 'zod';

const Environment = StorageEnvironment.extend({
  REDIS_URL: z.string().default('redis://127.0.0.1:6379'),
  FARM_PUBLIC_URL: z.url().default('http://127.0.0.1:8080'),
  FARM_KEEP_DETAILS_DAYS: z.coerce.number().positive().default(3),
  FARM_UNREFERENCED_MINUTES: z.coerce.number().min(0).default(60),
  FARM_CHECK_VIDEOS_DAYS: z.coerce.number().positive().default(7),
  FARM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

export interface Configuration {
  redisUrl: string;
  storage: StorageConfiguration;
  /** How long ended jobs keep their tasks, attempts and pieces. */
  keepDetailsMs: number;
  /** How old an object without a record must be to be deleted: an upload comes before its commit. */
  unreferencedMs: number;
  /** In this time every finished video is read back once. */
  videoCheckIntervalMs: number;
  logLevel: string;
}

/** @throws ConfigurationError naming each variable that is missing or wrong */
export function readConfiguration(variables: NodeJS.ProcessEnv): Configuration {
  const environment = parseEnvironment('scheduler', Environment, variables);
  const baseUrls = { internal: environment.FARM_PUBLIC_URL, public: environment.FARM_PUBLIC_URL };
  return {
    redisUrl: environment.REDIS_URL,
    storage: readStorageConfiguration(environment, baseUrls),
    keepDetailsMs: environment.FARM_KEEP_DETAILS_DAYS * 86_400_000,
    unreferencedMs: environment.FARM_UNREFERENCED_MINUTES * 60_000,
    videoCheckIntervalMs: environment.FARM_CHECK_VIDEOS_DAYS * 86_400_000,
    logLevel: environment.FARM_LOG_LEVEL,
  };
}
