import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JobDetail } from '@farm/contracts';
import { sampleJob } from './sample-job.js';

interface StoredJob {
  job: JobDetail;
  idempotencyKey: string;
  /** Ids start at 1, as `<n>-0`. */
  events: number;
  listeners: Set<ServerResponse>;
  video: Buffer;
  inputs: { spec: unknown; portraitName: string; speechName: string; speechBytes: number };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * Implements the farm's contract in memory, with jobs that a test moves along by hand. It shows how a client handles
 * every response, broken connections included, and nothing about the API's own behaviour.
 */
export class ContractServer {
  readonly jobs = new Map<string, StoredJob>();
  readonly requests: string[] = [];
  readonly lastEventIds: Array<string | undefined> = [];
  /** Responds before the contract does, for requests that should go wrong in a test. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>) | undefined;
  key = 'secret';
  #server: Server = createServer((request, response) => void this.#handle(request, response));

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  add(job: Partial<JobDetail> = {}, video = Buffer.from('a video')): JobDetail {
    const id = job.id ?? `job${this.jobs.size + 1}`;
    const stored: StoredJob = {
      job: sampleJob({ ...job, id }),
      idempotencyKey: '',
      events: 1,
      listeners: new Set(),
      video,
      inputs: { spec: {}, portraitName: '', speechName: '', speechBytes: 0 },
    };
    this.jobs.set(id, stored);
    return stored.job;
  }

  /** Changes a job and notifies whoever follows it. */
  change(id: string, change: Partial<JobDetail>): void {
    const stored = this.#stored(id);
    stored.job = { ...stored.job, ...change };
    stored.events += 1;
    for (const listener of stored.listeners) listener.write(eventText(stored));
  }

  /** Cuts the event streams of a job, as a broken network does. */
  cutEvents(id: string): void {
    for (const listener of this.#stored(id).listeners) listener.destroy();
  }

  #stored(id: string): StoredJob {
    const stored = this.jobs.get(id);
    if (stored === undefined) throw new Error(`The test has no job ${id}.`);
    return stored;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(`${request.method} ${request.url}`);
    if (await this.intercept?.(request, response)) return;
    if (request.headers.authorization !== `Bearer ${this.key}`) {
      return problem(response, { status: 401, code: 'key-unknown', detail: 'This key is unknown or revoked.' });
    }
    const { pathname } = new URL(request.url ?? '/', this.url);
    const [, , , id, action] = pathname.split('/');
    if (id === undefined) return this.#collection(pathname, request, response);
    const stored = this.jobs.get(id);
    if (stored === undefined)
      return problem(response, { status: 404, code: 'job-not-found', detail: `There is no job ${id}.` });
    return this.#actions[`${request.method} ${action ?? ''}`.trim()]?.(stored)(request, response);
  }

  async #collection(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (pathname === '/v1/workers') return json(response, 200, { workers: [] });
    if (request.method === 'POST') return this.#submit(request, response);
    const jobs = [...this.jobs.values()].map(({ job }) => job).reverse();
    return json(response, 200, { jobs });
  }

  async #submit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const headers = { 'content-type': request.headers['content-type'] ?? '' };
    const form = await new Response(Buffer.concat(chunks), { headers }).formData();
    const [portrait, speech] = [form.get('portrait') as File, form.get('speech') as File];
    if ((await speech.text()).startsWith('not audio')) {
      return problem(response, {
        status: 422,
        code: 'speech-unreadable',
        detail: `${speech.name} cannot be decoded as audio.`,
      });
    }
    const idempotencyKey = String(request.headers['idempotency-key']);
    const known = [...this.jobs.values()].find((stored) => stored.idempotencyKey === idempotencyKey);
    if (known) return json(response, 200, known.job);
    const job = this.add({}, Buffer.from(`video of ${speech.name}`));
    const inputs = { portraitName: portrait.name, speechName: speech.name, speechBytes: speech.size };
    Object.assign(this.#stored(job.id), {
      idempotencyKey,
      inputs: { ...inputs, spec: JSON.parse(String(form.get('spec'))) },
    });
    return json(response, 201, job);
  }

  readonly #actions: Record<string, (stored: StoredJob) => Handler> = {
    GET: (stored) => (_request, response) => json(response, 200, stored.job),
    'POST cancel': (stored) => (_request, response) => {
      this.change(stored.job.id, { status: 'canceled' });
      json(response, 200, stored.job);
    },
    'POST retry': (stored) => (_request, response) => {
      if (stored.job.status !== 'failed' && stored.job.status !== 'canceled') {
        return problem(response, {
          status: 409,
          code: 'job-state',
          detail: `Job ${stored.job.id} is ${stored.job.status}.`,
        });
      }
      this.change(stored.job.id, { status: 'queued', error: null });
      json(response, 200, stored.job);
    },
    'GET manifest': (stored) => (_request, response) => json(response, 200, manifestOf(stored)),
    'GET video': (stored) => (request, response) => sendVideo(stored, request, response),
    'GET events': (stored) => (request, response) => {
      this.lastEventIds.push(request.headers['last-event-id']?.toString());
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\n\n');
      if (request.headers['last-event-id'] !== `${stored.events}-0`) response.write(eventText(stored));
      stored.listeners.add(response);
      response.on('close', () => stored.listeners.delete(response));
    },
  };
}

function eventText({ events, job }: StoredJob): string {
  const event = { id: `${events}-0`, type: 'attempt-progressed', at: job.createdAt, jobId: job.id, data: {} };
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function sendVideo({ video }: StoredJob, request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': video.length - from });
  response.end(video.subarray(from));
}

function manifestOf({ job, video }: StoredJob): unknown {
  const sha256 = createHash('sha256').update(video).digest('hex');
  const input = { key: 'inputs/x', sha256 };
  const { width, height } = job.spec;
  return {
    schema: 1,
    jobId: job.id,
    owner: job.owner,
    createdAt: job.createdAt,
    endedAt: job.createdAt,
    spec: {},
    inputs: { portrait: input, speech: { ...input, seconds: 4 } },
    video: { ...input, bytes: video.length, width, height, frameCount: 100, framesPerSecond: 25, seconds: 4 },
    segments: [],
    attempts: [],
    engine: { name: 'draft', version: '1' },
    warnings: [],
  };
}

export function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function problem(response: ServerResponse, facts: { status: number; code: string; detail: string }): void {
  const body = { type: 'about:blank', title: facts.code, ...facts };
  response.writeHead(facts.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
}
