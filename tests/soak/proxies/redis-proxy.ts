import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultBoard, NetworkFault, Step } from './fault-board.js';
import type { RedisSteps } from './redis-steps.js';
import { isPush, RespFrames, wordsOf } from './resp-frames.js';

interface Request {
  readonly words: readonly string[];
  readonly step: Step | undefined;
  readonly fault: NetworkFault | undefined;
}

export interface RedisProxyOptions {
  readonly upstream: { readonly host: string; readonly port: number };
  readonly board: FaultBoard;
  readonly steps: RedisSteps;
}

/** Stands before Redis and does to single requests and replies what the board says. */
export class RedisProxy {
  readonly #options: RedisProxyOptions;
  readonly #connections = new Set<RedisConnection>();
  readonly #server: Server;
  /** By the name of the connections: until when they are cut off. */
  readonly #cutOffUntil = new Map<string, number>();

  constructor(options: RedisProxyOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (client) => {
      const connection = new RedisConnection(client, {
        ...this.#options,
        isCutOff: (name) => performance.now() < (this.#cutOffUntil.get(name) ?? 0),
        cutOff: (name, forMs) => this.#cutOff(name, forMs),
      });
      this.#connections.add(connection);
      client.once('close', () => this.#connections.delete(connection));
    });
  }

  #cutOff(name: string, forMs: number): void {
    this.#cutOffUntil.set(name, performance.now() + forMs);
    for (const connection of this.#connections) if (connection.name === name) connection.cut();
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.cut();
  }
}

interface ConnectionOptions extends RedisProxyOptions {
  isCutOff(name: string): boolean;
  cutOff(name: string, forMs: number): void;
}

/** Commands that RESP3 answers by push messages, of which there is one per channel. */
const SUBSCRIBE = /^P?(UN)?SUBSCRIBE$/i;

class RedisConnection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #options: ConnectionOptions;
  readonly #requests = new RespFrames();
  readonly #replies = new RespFrames();
  /** Sent and not yet replied to, in order. */
  readonly #pending: Request[] = [];
  name = '';
  #isResp3 = false;
  #isSubscriber = false;
  #isFrozen = false;
  /** Replies keep their order, so a late one holds up those after it. */
  #sending: Promise<void> = Promise.resolve();

  constructor(client: Socket, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#upstream = connect({ ...options.upstream, noDelay: true });
    client.on('data', (bytes) => this.#onRequests(bytes));
    this.#upstream.on('data', (bytes) => this.#onReplies(bytes));
    for (const socket of [client, this.#upstream]) socket.on('error', () => {});
    client.once('close', () => this.#upstream.destroy());
    // What Redis has sent before it closed still arrives.
    this.#upstream.once('close', () => void this.#sending.then(() => this.#isFrozen || client.destroy()));
  }

  cut(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  #onRequests(bytes: Buffer): void {
    for (const frame of this.#requests.push(bytes)) {
      if (this.#isFrozen || this.#upstream.destroyed) return;
      const words = wordsOf(frame);
      this.#noteName(words);
      if (this.#options.isCutOff(this.name)) {
        this.cut();
        return;
      }
      const step = this.#options.steps.of(words, this.name);
      // A claim's step is known by its reply.
      const fault = step && step.name !== 'claimTask' ? this.#options.board.meet(step) : this.#beforeClaim(step);
      if (fault?.kind === 'cut-before') {
        this.cut();
        return;
      }
      if (SUBSCRIBE.test(words[0] ?? '')) this.#isSubscriber = true;
      else this.#pending.push({ words, step, fault });
      this.#upstream.write(frame);
    }
  }

  #beforeClaim(step: Step | undefined): NetworkFault | undefined {
    return step && this.#options.board.meet({ ...step, name: 'claimTask request' });
  }

  #onReplies(bytes: Buffer): void {
    for (const frame of this.#replies.push(bytes)) {
      // Messages to a subscriber reply to no request.
      const request = isPush(frame) || (this.#isSubscriber && !this.#isResp3) ? undefined : this.#pending.shift();
      const fault = request && this.#faultOfReply(request, frame);
      this.#sending = this.#sending.then(() => this.#send(frame, fault)).catch(() => this.cut());
    }
  }

  #faultOfReply({ words, step, fault }: Request, reply: Buffer): NetworkFault | undefined {
    if (step?.name !== 'claimTask') return fault;
    return this.#options.board.meet(this.#options.steps.ofReply(step, words, reply));
  }

  async #send(reply: Buffer, fault: NetworkFault | undefined): Promise<void> {
    if (this.#isFrozen || this.#client.destroyed) return;
    if (fault?.kind === 'lost-reply' || fault?.kind === 'cut-before') return this.cut();
    if (fault?.kind === 'cut-off') return this.#options.cutOff(this.name, fault.forMs);
    if (fault?.kind === 'frozen') {
      this.#isFrozen = true;
      return;
    }
    if (fault?.kind === 'late-reply') await sleep(fault.delayMs);
    if (fault?.kind !== 'bytewise') {
      this.#client.write(reply);
      return;
    }
    for (const byte of reply) {
      this.#client.write(Buffer.of(byte));
      await sleep(1);
    }
  }

  #noteName(words: readonly string[]): void {
    const [command = '', first = '', second = ''] = words;
    if (/^CLIENT$/i.test(command) && /^SETNAME$/i.test(first)) this.name = second;
    if (!/^HELLO$/i.test(command)) return;
    this.#isResp3 = first === '3';
    const at = words.findIndex((word) => /^SETNAME$/i.test(word));
    if (at > 0) this.name = words[at + 1] ?? '';
  }
}
