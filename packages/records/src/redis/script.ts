import { createHash, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { KEY_PREFIX } from './key-prefix.js';
import { prelude } from './prelude.js';

/** How Lua gets an argument. An optional number that is absent is nil, and an absent text is ''. */
type Kind = 'text' | 'number' | 'optional number';
type Value<Of extends Kind> = Of extends 'text' ? string : Of extends 'number' ? number : number | undefined;
type Arguments = Readonly<Record<string, Kind>>;
type Values<Of extends Arguments> = { [Name in keyof Of]: Value<Of[Name]> };

interface Options<Given extends Arguments, Column extends string> {
  /** The first line of its source: whoever reads the traffic with Redis can say which script a hash stands for. */
  name: string;
  /** Their names and kinds; the body finds each as a local in snake case: `workerId` as `worker_id`. */
  arguments: Given;
  /** A list of any length after them; the body finds it as a table of rows that have these fields, all of them text. */
  list?: { name: string; columns: readonly Column[] };
  /**
   * For a call that would act twice, or answer otherwise the second time, when the client sends it again because its reply
   * was lost: the answer is kept under `reply:<call>` for an hour, and whatever is sent again gets it.
   */
  once?: boolean;
  /** Lua. It names at its top the keys that it uses, all after the prefix `P`. */
  body: string;
}

const REPLY_SECONDS = 3600;

/** One atomic step in Redis: a Lua body after the shared prelude, called by its hash. */
export class Script<const Given extends Arguments, Column extends string = never> {
  readonly #source: string;
  readonly #sha1: string;
  readonly #names: (keyof Given & string)[];
  readonly #columns: readonly Column[];
  readonly #once: boolean;

  constructor({ name, arguments: given, list, once = false, body }: Options<Given, Column>) {
    this.#once = once;
    this.#names = Object.keys(given);
    this.#columns = list?.columns ?? [];
    const before = once ? 1 : 0;
    const lines = [...argumentLines(given, before), ...(list ? [listLine(list, before + this.#names.length)] : [])];
    this.#source = [`-- ${name}`, prelude, ...lines, once ? onceLines(body) : body].join('\n');
    this.#sha1 = createHash('sha1').update(this.#source).digest('hex');
  }

  async run(redis: Redis, given: Values<Given>, list: Record<Column, string | number>[] = []): Promise<unknown> {
    const call = this.#once ? [randomUUID()] : [];
    const values = [...call, ...this.#names.map((name) => (given[name] as string | number | undefined) ?? '')];
    const rows = list.flatMap((row) => this.#columns.map((column) => row[column]));
    try {
      return await redis.evalsha(this.#sha1, 1, KEY_PREFIX, ...values, ...rows);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await redis.eval(this.#source, 1, KEY_PREFIX, ...values, ...rows);
    }
  }
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `ARGV[1]` names the call. A Redis that is full may refuse to keep the answer; the call counts all the same. */
const onceLines = (body: string) => `
local reply_key = P .. 'reply:' .. ARGV[1]
local earlier = redis.call('GET', reply_key)
if earlier then return cmsgpack.unpack(earlier)[1] end
local function run()
${body}
end
local reply = run()
redis.pcall('SET', reply_key, cmsgpack.pack({reply}), 'EX', ${REPLY_SECONDS})
return reply
`;

function argumentLines(given: Arguments, before: number): string[] {
  return Object.entries(given).map(([name, kind], index) => {
    const value = `ARGV[${before + index + 1}]`;
    return `local ${snakeCase(name)} = ${kind === 'text' ? value : `tonumber(${value})`}`;
  });
}

function listLine({ name, columns }: { name: string; columns: readonly string[] }, before: number): string {
  const fields = columns.map((column, index) => `${snakeCase(column)} = ARGV[i + ${index}]`).join(', ');
  const local = snakeCase(name);
  return `local ${local} = {}\nfor i = ${before + 1}, #ARGV, ${columns.length} do ${local}[#${local} + 1] = {${fields}} end`;
}
