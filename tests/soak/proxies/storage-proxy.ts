import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  request as sendRequest,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultBoard, NetworkFault, Step } from './fault-board.js';

const OBJECT = /^\/[^/?]+\/jobs\/([0-9a-z]{26})\/(\w+)\//;

export interface StorageProxyOptions {
  readonly upstream: { readonly host: string; readonly port: number };
  readonly board: FaultBoard;
}

/** Stands before an S3 server and does to single requests and replies what the board says. */
export class StorageProxy {
  readonly #options: StorageProxyOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: Server;
  #awayUntil = 0;

  constructor(options: StorageProxyOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.#options.board.meet(stepOf(request));
    if (fault?.kind === 'away') this.#awayUntil = performance.now() + fault.forMs;
    if (performance.now() < this.#awayUntil || fault?.kind === 'cut-before') return void request.socket.destroy();
    if (fault?.kind === 'slow-down' || fault?.kind === 'server-error') return refuse(request, response, fault.kind);
    const reply = await this.#forward(request, response);
    if (fault?.kind === 'late-reply') await sleep(fault.delayMs);
    await passOn(reply, response, fault);
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<IncomingMessage> {
    const { method, url: path, rawHeaders: headers } = request;
    // The Host header stays as it came: the signature covers it.
    const forwarded = sendRequest({ ...this.#options.upstream, method, path, headers, agent: this.#agent });
    response.once('close', () => response.writableFinished || forwarded.destroy());
    const replied = once(forwarded, 'response') as Promise<[IncomingMessage]>;
    // A server may refuse before it has read the whole body.
    const sent = pipeline(request, forwarded).catch(() => {});
    const [reply] = await Promise.race([replied, sent.then(() => replied)]);
    return reply;
  }
}

function stepOf({ method, url = '' }: IncomingMessage): Step {
  const [, jobId, kind] = OBJECT.exec(url) ?? [];
  if (kind !== undefined) return { name: `${method} ${kind}`, jobId };
  if (method === 'POST' && url.includes('?delete')) return { name: 'DELETE' };
  return { name: url.includes('prefix=') ? 'LIST' : `${method} other` };
}

async function passOn(
  reply: IncomingMessage,
  response: ServerResponse,
  fault: NetworkFault | undefined,
): Promise<void> {
  if (fault?.kind === 'lost-reply') {
    for await (const _bytes of reply);
    response.destroy();
    return;
  }
  response.writeHead(reply.statusCode!, reply.rawHeaders);
  if (fault?.kind === 'frozen') return;
  if (fault?.kind !== 'truncated') return pipeline(reply, response);
  const body = Buffer.concat(await reply.toArray());
  response.write(body.subarray(0, body.length >> 1), () => response.destroy());
}

async function refuse(request: IncomingMessage, response: ServerResponse, kind: 'slow-down' | 'server-error') {
  request.resume();
  const [status, code] = kind === 'slow-down' ? ([503, 'SlowDown'] as const) : ([500, 'InternalError'] as const);
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>Injected</Message></Error>`,
  );
}
