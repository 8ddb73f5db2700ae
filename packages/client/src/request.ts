import { setTimeout as sleep } from 'node:timers/promises';
import type { Problem } from '@farm/contracts';
import { ApiError, ApiUnreachableError, reasonOf, UnexpectedResponseError } from './errors.js';

export interface Connection {
  /** Where the API is, without a trailing slash. */
  readonly url: string;
  readonly key: string | undefined;
  readonly fetch: typeof fetch;
  /** How long a call that may be repeated is repeated while the API is unavailable, in milliseconds. */
  readonly retryForMs: number;
  /** Called before each wait, so that a person knows why nothing happens. */
  readonly onRetry: (reason: string) => void;
  /** Ends every call under way. */
  readonly signal: AbortSignal | undefined;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers?: Record<string, string>;
  /** Files in a form are read while they are sent, and read again for every retry. */
  readonly body?: string | FormData;
  /** Doing it twice is the same as doing it once. A call that never reached the API is repeated either way. */
  readonly repeatable: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Without these, fetch keeps a copy of the body to send it again after a redirect: 1.1 GB resident for a recording of
 * 1 GB, where it is 0.1 GB with them (Node 20).
 */
const KEEP_NO_COPY: RequestInit = { redirect: 'error', window: null };
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const passingStatuses = [429, 502, 503, 504];

/**
 * One call of the API, repeated while the API is unavailable.
 * @returns a response with a 2xx status.
 * @throws ApiError with the problem document; ApiUnreachableError; the signal's reason when aborted.
 */
export async function callApi(connection: Connection, call: ApiRequest): Promise<Response> {
  const signals = [connection.signal, call.signal].filter((signal) => signal !== undefined);
  const request = { ...call, signal: AbortSignal.any(signals) };
  const deadline = Date.now() + connection.retryForMs;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    const outcome = await tryOnce(connection, request);
    if (outcome instanceof Response) return outcome;
    const pause = outcome.retryAfterMs ?? wait * (0.75 + Math.random() / 2);
    if (!outcome.mayPass || Date.now() + pause > deadline) throw outcome.error;
    connection.onRetry(reasonOf(outcome.error));
    await sleep(pause, undefined, { signal: request.signal });
  }
}

interface FailedTry {
  readonly error: Error;
  readonly mayPass: boolean;
  readonly retryAfterMs?: number | undefined;
}

async function tryOnce(connection: Connection, request: ApiRequest): Promise<Response | FailedTry> {
  request.signal?.throwIfAborted();
  let response: Response;
  try {
    response = await send(connection, request);
  } catch (cause) {
    request.signal?.throwIfAborted();
    if (isUnreadableFile(cause)) throw cause;
    const error = new ApiUnreachableError(connection.url, cause);
    return { error, mayPass: isNetworkFailure(cause) && (request.repeatable || neverArrived(cause)) };
  }
  if (response.ok) return response;
  const error = new ApiError(await readProblem(connection, response));
  const mayPass = passingStatuses.includes(response.status) && (request.repeatable || response.status === 429);
  return { error, mayPass, retryAfterMs: retryAfterMs(response) };
}

async function send({ url, key, fetch }: Connection, request: ApiRequest): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', ...request.headers };
  if (key !== undefined) headers.authorization = `Bearer ${key}`;
  return fetch(`${url}${request.path}`, {
    method: request.method,
    headers,
    signal: request.signal ?? null,
    ...(request.body === undefined ? {} : { body: request.body, ...KEEP_NO_COPY }),
  });
}

/** Network failures carry a code; those without one (a forbidden port, a wrong header) are permanent. */
function isNetworkFailure(cause: unknown): boolean {
  return cause instanceof Error && cause.cause instanceof Error && 'code' in cause.cause;
}

function neverArrived(cause: unknown): boolean {
  return cause instanceof Error && (hasCode(cause, 'ECONNREFUSED') || hasCode(cause.cause, 'ECONNREFUSED'));
}

/** A file that changed or disappeared while it was being sent; repeating would not help. */
function isUnreadableFile(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === 'NotReadableError' || hasCode(cause, 'ENOENT'));
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

async function readProblem(connection: Connection, response: Response): Promise<Problem> {
  const text = await response.text();
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === 'object' && problem !== null && 'code' in problem && 'title' in problem) {
      return problem as Problem;
    }
  } catch {
    // Handled below, like every other response that is not a problem document.
  }
  if (passingStatuses.includes(response.status)) {
    const detail = `The farm at ${connection.url} is unavailable (HTTP ${response.status}).`;
    return { type: 'about:blank', title: 'Unavailable', status: response.status, code: 'unavailable', detail };
  }
  throw new UnexpectedResponseError(connection.url, { status: response.status });
}
