import { z } from 'zod';

const HttpUrl = z.url({ protocol: /^https?$/ });
const S3Endpoint = HttpUrl.refine((url) => new URL(url).pathname === '/', 'must not have a path after host and port');

export const FilesystemStorageConfiguration = z.strictObject({
  kind: z.literal('filesystem'),
  directory: z.string().min(1),
  /** Where programs inside the cluster reach the API. */
  internalBaseUrl: HttpUrl,
  /** Where people's browsers reach it. */
  publicBaseUrl: HttpUrl,
  /** Signs object URLs; the same in every API replica. */
  secret: z.string().min(16),
});
export type FilesystemStorageConfiguration = z.infer<typeof FilesystemStorageConfiguration>;

/** The value itself, or the file that holds it (a mounted secret); read once, when the storage is opened. */
const Credential = z.union([z.string().min(1), z.strictObject({ file: z.string().min(1) })]);

export const S3StorageConfiguration = z.strictObject({
  kind: z.literal('s3'),
  /** Scheme, host and port, such as `http://minio:9000`. */
  endpoint: S3Endpoint,
  /** Where people's browsers reach the same server, if elsewhere; signed public URLs carry this host. */
  publicEndpoint: S3Endpoint.optional(),
  region: z.string().min(1).default('us-east-1'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be 3 to 63 of a-z, 0-9, dot and hyphen'),
  accessKeyId: Credential,
  secretAccessKey: Credential,
  /** `host/bucket/key` instead of `bucket.host/key`. */
  pathStyle: z.boolean().default(true),
});
export type S3StorageConfiguration = z.infer<typeof S3StorageConfiguration>;

export const StorageConfiguration = z.discriminatedUnion('kind', [
  FilesystemStorageConfiguration,
  S3StorageConfiguration,
]);
/** What `createStorage` accepts: settings with a default may be left out. */
export type StorageConfiguration = z.input<typeof StorageConfiguration>;
