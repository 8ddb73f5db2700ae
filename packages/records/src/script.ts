import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { prelude } from './prelude.js';
import { KEY_PREFIX } from './redis.js';

/** One atomic step in Redis: a Lua body behind the shared prelude, called by its hash. */
export class Script {
  readonly #source: string;
  readonly #sha1: string;

  constructor(body: string) {
    this.#source = `${prelude}\n${body}`;
    this.#sha1 = createHash('sha1').update(this.#source).digest('hex');
  }

  async run(redis: Redis, ...args: (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.#sha1, 1, KEY_PREFIX, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await redis.eval(this.#source, 1, KEY_PREFIX, ...args);
    }
  }
}
