import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SigningSecretUnreadableError, StorageSettingMissingError } from './errors.js';
import type { StorageConfiguration } from './storage-configuration.js';

/** The environment variables that say where objects are kept; the same for the API, the workers and the scheduler. */
export const StorageEnvironment = z.object({
  FARM_STORAGE: z.enum(['filesystem', 's3']).optional(),
  FARM_STORAGE_DIRECTORY: z.string().min(1).optional(),
  FARM_SIGNING_SECRET: z.string().min(16).optional(),
  FARM_SIGNING_SECRET_FILE: z.string().min(1).optional(),
  S3_ENDPOINT: z.string().min(1).optional(),
  S3_PUBLIC_ENDPOINT: z.string().min(1).optional(),
  S3_REGION: z.string().min(1).optional(),
  S3_BUCKET: z.string().min(1).optional(),
  S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  S3_ACCESS_KEY_ID_FILE: z.string().min(1).optional(),
  S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  S3_SECRET_ACCESS_KEY_FILE: z.string().min(1).optional(),
});
export type StorageEnvironment = z.infer<typeof StorageEnvironment>;

function required<Name extends keyof StorageEnvironment>(environment: StorageEnvironment, name: Name): string {
  const value = environment[name];
  if (value === undefined) throw new StorageSettingMissingError(name, environment.FARM_STORAGE ?? 'filesystem');
  return value;
}

function credential(
  environment: StorageEnvironment,
  name: 'S3_ACCESS_KEY_ID' | 'S3_SECRET_ACCESS_KEY',
): string | { file: string } {
  const file = environment[`${name}_FILE`];
  return file === undefined ? required(environment, name) : { file };
}

function readSigningSecret(environment: StorageEnvironment): string {
  const file = environment.FARM_SIGNING_SECRET_FILE;
  if (file === undefined) return required(environment, 'FARM_SIGNING_SECRET');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new SigningSecretUnreadableError(file, cause);
  }
}

/**
 * @param environment checked by `StorageEnvironment`
 * @param baseUrls where the API can be reached; signed URLs of filesystem storage point there
 * @throws StorageSettingMissingError, SigningSecretUnreadableError
 */
export function readStorageConfiguration(
  environment: StorageEnvironment,
  baseUrls: { internal: string; public: string },
): StorageConfiguration {
  if (environment.FARM_STORAGE === 's3') {
    return {
      kind: 's3',
      endpoint: required(environment, 'S3_ENDPOINT'),
      bucket: required(environment, 'S3_BUCKET'),
      accessKeyId: credential(environment, 'S3_ACCESS_KEY_ID'),
      secretAccessKey: credential(environment, 'S3_SECRET_ACCESS_KEY'),
      ...(environment.S3_REGION && { region: environment.S3_REGION }),
      ...(environment.S3_PUBLIC_ENDPOINT && { publicEndpoint: environment.S3_PUBLIC_ENDPOINT }),
    };
  }
  return {
    kind: 'filesystem',
    directory: required(environment, 'FARM_STORAGE_DIRECTORY'),
    internalBaseUrl: baseUrls.internal,
    publicBaseUrl: baseUrls.public,
    secret: readSigningSecret(environment),
  };
}
