import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

export interface TransportTimeouts {
  connectMs: number;
  /** Silence, in either direction, after which a request is abandoned. */
  idleMs: number;
}

/** A request that was abandoned because it had waited too long. */
export class TransportTimeoutError extends Error {
  readonly code: 'CONNECT_TIMEOUT' | 'IDLE_TIMEOUT';

  constructor(code: 'CONNECT_TIMEOUT' | 'IDLE_TIMEOUT', milliseconds: number) {
    super(`${code === 'CONNECT_TIMEOUT' ? 'no connection' : 'nothing heard'} for ${milliseconds} ms`);
    this.name = 'TransportTimeoutError';
    this.code = code;
  }
}

function limitConnecting(request: http.ClientRequest, socket: Socket, milliseconds: number): void {
  if (!socket.connecting) return;
  const timer = setTimeout(
    () => request.destroy(new TransportTimeoutError('CONNECT_TIMEOUT', milliseconds)),
    milliseconds,
  );
  const clear = () => clearTimeout(timer);
  socket.once('connect', clear).once('close', clear);
}

/**
 * What the minio client sends its requests through. The client itself knows neither abort signals nor timeouts: here a
 * call's signal reaches its request by way of the asynchronous context.
 */
export class S3Transport {
  readonly agent: http.Agent | https.Agent;
  readonly #signals = new AsyncLocalStorage<AbortSignal | undefined>();
  readonly #timeouts: TransportTimeouts;
  readonly #protocol: typeof http | typeof https;

  constructor(secure: boolean, timeouts: TransportTimeouts) {
    this.#timeouts = timeouts;
    this.#protocol = secure ? https : http;
    this.agent = new this.#protocol.Agent({ keepAlive: true, maxSockets: 64 });
  }

  /** Runs `call`; every request that it starts ends with `signal`. */
  withSignal<Result>(signal: AbortSignal | undefined, call: () => Promise<Result>): Promise<Result> {
    return this.#signals.run(signal, call);
  }

  // A field, because the client calls it as a function of `http`, with its options only.
  readonly request = ((options: https.RequestOptions, answered: (response: http.IncomingMessage) => void) => {
    const { connectMs, idleMs } = this.#timeouts;
    const signal = this.#signals.getStore();
    let response: http.IncomingMessage | undefined;
    const request = this.#protocol.request({ ...options, timeout: idleMs, ...(signal ? { signal } : {}) }, (answer) => {
      response = answer;
      answered(answer);
    });
    request.on('timeout', () => {
      // There are bytes that nobody has read yet: the reader is slow, not the server.
      if (response !== undefined && response.readableLength > 0) request.setTimeout(idleMs);
      else request.destroy(new TransportTimeoutError('IDLE_TIMEOUT', idleMs));
    });
    request.on('socket', (socket) => limitConnecting(request, socket, connectMs));
    return request;
  }) as typeof http.request;

  close(): void {
    this.agent.destroy();
  }
}
