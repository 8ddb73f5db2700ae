import type { Client } from 'minio';
import { orAborted } from './or-aborted.js';
import { ensureBucket } from './s3-bucket.js';
import { createClient, type S3Settings } from './s3-client.js';
import { s3Error } from './s3-error.js';
import { S3Transport, type TransportTimeouts } from './s3-transport.js';

const CLEANUP_TIMEOUT_MS = 10_000;

/** One bucket, its clients, and what every call to it needs: a bucket that exists, an abort signal, named failures. */
export class S3Connection {
  /** Endpoint and bucket. */
  readonly description: string;
  readonly bucket: string;
  readonly client: Client;
  /** Signs only: a signature covers the host. */
  readonly publicClient: Client;
  readonly #region: string;
  readonly #transport: S3Transport;
  #bucketReady: Promise<void> | undefined;

  constructor(settings: S3Settings, timeouts: TransportTimeouts) {
    this.description = `${settings.endpoint.replace(/\/$/, '')}/${settings.bucket}`;
    this.bucket = settings.bucket;
    this.#region = settings.region;
    this.#transport = new S3Transport(settings.endpoint.startsWith('https:'), timeouts);
    this.client = createClient(settings.endpoint, settings, this.#transport);
    this.publicClient = createClient(settings.publicEndpoint ?? settings.endpoint, settings, this.#transport);
  }

  /** Runs requests on the bucket, which is created first if it is missing. */
  async call<Result>(signal: AbortSignal | undefined, run: () => Promise<Result>): Promise<Result> {
    signal?.throwIfAborted();
    try {
      await orAborted(this.#ensureBucket(), signal);
      return await this.#transport.withSignal(signal, run);
    } catch (error) {
      throw this.namedError(error, signal);
    }
  }

  /** Runs requests that must still be sent after the signal of the call has aborted. */
  cleanUp(run: () => Promise<void>): Promise<void> {
    return this.#transport.withSignal(AbortSignal.timeout(CLEANUP_TIMEOUT_MS), run);
  }

  namedError(error: unknown, signal: AbortSignal | undefined): unknown {
    return s3Error(error, this.description, signal);
  }

  close(): void {
    this.#transport.close();
  }

  /** Asks once for all calls; a failure is forgotten, so that the next call asks again. */
  #ensureBucket(): Promise<void> {
    this.#bucketReady ??= this.#transport
      .withSignal(undefined, () => ensureBucket(this.client, this.bucket, this.#region))
      .catch((error: unknown) => {
        this.#bucketReady = undefined;
        throw error;
      });
    return this.#bucketReady;
  }
}
