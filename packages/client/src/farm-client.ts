import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  JobDetail,
  JobPage,
  type JobQuery,
  type JobSpec,
  JobView,
  KeyList,
  type KeyRequest,
  KeyView,
  Manifest,
  NewKey,
  OwnerLimits,
  type OwnerLimitsRequest,
  Plan,
  type PlanRequest,
  SignedUrls,
  StorageSweep,
  WorkerList,
  type WorkerView,
} from '@farm/contracts';
import type { z } from 'zod';
import { downloadFile } from './download.js';
import { type EventStreamOptions, followEvents, type StreamedEvent } from './event-stream.js';
import { readJson } from './read-json.js';
import { type ApiRequest, type Connection, callApi } from './request.js';
import { watchJob } from './watch-job.js';

export interface FarmClientOptions {
  readonly url: string;
  readonly key?: string | undefined;
  readonly fetch?: typeof fetch;
  /** How long calls that may be repeated are repeated while the API is unavailable. Default 30 s. */
  readonly retryForMs?: number;
  readonly onRetry?: (reason: string) => void;
  /** Ends every call under way when aborted. */
  readonly signal?: AbortSignal | undefined;
}

export interface JobSubmission {
  readonly spec: JobSpec;
  readonly portraitPath: string;
  readonly speechPath: string;
  /** Default: a random one, so that a repeated call makes no second job. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

const WATCH_RETRY_MS = 10 * 60_000;
/** Reads of all watched jobs together: at most 400 per minute. */
const WATCH_READ_INTERVAL_MS = 150;

/**
 * The farm's API, typed. Every method throws ApiError for a refusal, ApiUnreachableError when nothing is listening, and
 * the signal's reason when aborted.
 */
export class FarmClient {
  readonly #connection: Connection;
  #nextWatchReadAt = 0;

  constructor(options: FarmClientOptions) {
    this.#connection = {
      url: options.url.replace(/\/+$/, ''),
      key: options.key,
      fetch: options.fetch ?? fetch,
      retryForMs: options.retryForMs ?? 30_000,
      onRetry: options.onRetry ?? (() => undefined),
      signal: options.signal,
    };
  }

  /** Sends portrait and speech, streamed from their files. An earlier job with the same idempotency key is returned. */
  async submitJob(submission: JobSubmission): Promise<JobView> {
    const [portrait, speech] = await Promise.all([
      openAsBlob(submission.portraitPath),
      openAsBlob(submission.speechPath),
    ]);
    const form = new FormData();
    form.append('spec', JSON.stringify(submission.spec));
    form.append('portrait', portrait, basename(submission.portraitPath));
    form.append('speech', speech, basename(submission.speechPath));
    return this.#json(JobView, {
      method: 'POST',
      path: '/v1/jobs',
      headers: { 'idempotency-key': submission.idempotencyKey ?? randomUUID() },
      body: form,
      repeatable: true,
      signal: submission.signal,
    });
  }

  /** The checks of a submit without its files. @throws ApiError when no class of worker can hold the job */
  planJob(request: PlanRequest): Promise<Plan> {
    return this.#json(Plan, { ...jsonBody(request), method: 'POST', path: '/v1/plan', repeatable: true });
  }

  /** One page, newest first. */
  listJobs(query: JobQuery = {}): Promise<JobPage> {
    return this.#json(JobPage, { method: 'GET', path: `/v1/jobs${queryString(query)}`, repeatable: true });
  }

  getJob(jobId: string, signal?: AbortSignal): Promise<JobDetail> {
    return this.#json(JobDetail, { method: 'GET', path: jobPath(jobId), repeatable: true, signal });
  }

  /** Canceling a canceled job changes nothing. */
  cancelJob(jobId: string): Promise<JobView> {
    return this.#json(JobView, { method: 'POST', path: `${jobPath(jobId)}/cancel`, repeatable: true });
  }

  retryJob(jobId: string): Promise<JobView> {
    return this.#json(JobView, { method: 'POST', path: `${jobPath(jobId)}/retry`, repeatable: false });
  }

  /** Removes an ended job with everything it stored. */
  async deleteJob(jobId: string): Promise<void> {
    await callApi(this.#connection, { method: 'DELETE', path: jobPath(jobId), repeatable: true });
  }

  /** The job now and after every change, ended job last; see `watchJob`. Waits ten minutes for an unavailable API. */
  watchJob(jobId: string, signal?: AbortSignal): AsyncGenerator<JobDetail> {
    const connection = { ...this.#connection, retryForMs: Math.max(this.#connection.retryForMs, WATCH_RETRY_MS) };
    const readJob = async (ownSignal: AbortSignal) => {
      await this.#turnToRead(ownSignal);
      const request = { method: 'GET', path: jobPath(jobId), repeatable: true, signal: ownSignal } as const;
      return readJson(connection, JobDetail, request);
    };
    return watchJob(connection, { jobId, readJob, signal });
  }

  /** A job's events as they arrive, including those missed while the connection was lost. */
  followEvents(jobId: string, options: Omit<EventStreamOptions, 'path'>): AsyncGenerator<StreamedEvent> {
    return followEvents(this.#connection, { ...options, path: `${jobPath(jobId)}/events` });
  }

  getManifest(jobId: string, signal?: AbortSignal): Promise<Manifest> {
    return this.#json(Manifest, { method: 'GET', path: `${jobPath(jobId)}/manifest`, repeatable: true, signal });
  }

  /** URLs of the video, its manifest and its poster that need no key, for an hour. */
  getSignedUrls(jobId: string): Promise<SignedUrls> {
    return this.#json(SignedUrls, { method: 'GET', path: `${jobPath(jobId)}/signed-urls`, repeatable: true });
  }

  async getLog(jobId: string): Promise<string> {
    const request = { method: 'GET', path: `${jobPath(jobId)}/log`, headers: { accept: '*/*' } } as const;
    return (await callApi(this.#connection, { ...request, repeatable: true })).text();
  }

  /** Saves the video, complete or not at all, checked against the manifest. @returns its size in bytes. */
  async downloadVideo(jobId: string, toFile: string, signal?: AbortSignal): Promise<number> {
    const { video } = await this.getManifest(jobId, signal);
    return downloadFile(this.#connection, { path: `${jobPath(jobId)}/video`, toFile, sha256: video.sha256, signal });
  }

  async listWorkers(): Promise<WorkerView[]> {
    return (await this.#json(WorkerList, { method: 'GET', path: '/v1/workers', repeatable: true })).workers;
  }

  /** Asks a worker to finish its piece and leave; once it has left, it is no longer listed. */
  async drainWorker(workerId: string): Promise<void> {
    const path = `/v1/workers/${encodeURIComponent(workerId)}/drain`;
    await callApi(this.#connection, { method: 'POST', path, repeatable: true });
  }

  getOwnerLimits(owner: string): Promise<OwnerLimits> {
    return this.#json(OwnerLimits, { method: 'GET', path: limitsPath(owner), repeatable: true });
  }

  /** Replaces the limits of an owner; what is left out follows the farm's configuration again. */
  setOwnerLimits(owner: string, limits: OwnerLimitsRequest): Promise<OwnerLimits> {
    return this.#json(OwnerLimits, { ...jsonBody(limits), method: 'PUT', path: limitsPath(owner), repeatable: true });
  }

  /** What the last sweep of the storage found. */
  getStorageSweep(): Promise<StorageSweep> {
    return this.#json(StorageSweep, { method: 'GET', path: '/v1/storage/sweep', repeatable: true });
  }

  /** Lets the next sweep of the storage delete what waits. */
  confirmStorageSweep(): Promise<StorageSweep> {
    return this.#json(StorageSweep, { method: 'POST', path: '/v1/storage/sweep/confirm', repeatable: true });
  }

  /** Whose key this client uses. */
  getOwnKey(): Promise<KeyView> {
    return this.#json(KeyView, { method: 'GET', path: '/v1/keys/self', repeatable: true });
  }

  async listKeys(owner?: string): Promise<KeyView[]> {
    const path = `/v1/keys${queryString({ owner })}`;
    return (await this.#json(KeyList, { method: 'GET', path, repeatable: true })).keys;
  }

  /** The secret is only in this response: the farm keeps a hash. */
  createKey(request: KeyRequest): Promise<NewKey> {
    return this.#json(NewKey, { ...jsonBody(request), method: 'POST', path: '/v1/keys', repeatable: false });
  }

  async revokeKey(keyId: string): Promise<void> {
    const path = `/v1/keys/${encodeURIComponent(keyId)}`;
    await callApi(this.#connection, { method: 'DELETE', path, repeatable: true });
  }

  /** A new secret for the same owner and role; the old one keeps working for a while, so that programs can switch. */
  rotateKey(keyId: string, graceSeconds: number): Promise<NewKey> {
    const path = `/v1/keys/${encodeURIComponent(keyId)}/rotate`;
    return this.#json(NewKey, { ...jsonBody({ graceSeconds }), method: 'POST', path, repeatable: false });
  }

  async isReady(): Promise<boolean> {
    const response = await this.#connection.fetch(`${this.#connection.url}/v1/ready`).catch(() => undefined);
    return response?.ok ?? false;
  }

  /** Watching many jobs must not use up their owner's requests per minute. */
  async #turnToRead(signal: AbortSignal): Promise<void> {
    const wait = this.#nextWatchReadAt - Date.now();
    this.#nextWatchReadAt = Math.max(Date.now(), this.#nextWatchReadAt) + WATCH_READ_INTERVAL_MS;
    if (wait > 0) await sleep(wait, undefined, { signal });
  }

  #json<Schema extends z.ZodType>(schema: Schema, request: ApiRequest): Promise<z.output<Schema>> {
    return readJson(this.#connection, schema, request);
  }
}

function jobPath(jobId: string): string {
  return `/v1/jobs/${encodeURIComponent(jobId)}`;
}

function limitsPath(owner: string): string {
  return `/v1/owners/${encodeURIComponent(owner)}/limits`;
}

function jsonBody(value: unknown): Pick<ApiRequest, 'headers' | 'body'> {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

function queryString(query: object): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}
