import { createHash } from 'node:crypto';
import type { FaultBoard, Step } from './fault-board.js';

const SCRIPT_NAME = /^-- (\w+)\n/;
const SCRIPT_ARGUMENT = /^local (\w+) = (?:tonumber\()?ARGV\[(\d+)\]/gm;
const TASK = /\b([0-9a-z]{26})-(prepare|render|assemble)\b/;
const JOB_KEY = /^\{farm\}:(?:job|task):([0-9a-z]{26})/;
const WORKER_CONNECTION = 'farm-worker-';

/** A script of the farm, as its source tells. */
interface KnownScript {
  readonly name: string;
  /** Where each argument stands, from 1. */
  readonly positions: ReadonlyMap<string, number>;
}

interface Attempt {
  readonly jobId: string;
  readonly kind: string;
}

/**
 * Says which step of the farm a request to Redis is. Scripts are known by their source, which is sent before the
 * first call by hash; attempts by the reply to their claim.
 */
export class RedisSteps {
  readonly #board: FaultBoard;
  readonly #scripts = new Map<string, KnownScript>();
  readonly #attempts = new Map<string, Attempt>();

  constructor(board: FaultBoard) {
    this.#board = board;
  }

  /** @param client name of the connection. @returns undefined for a request that is no step */
  of(words: readonly string[], client: string): Step | undefined {
    const command = words[0]?.toUpperCase();
    const workerId = client.startsWith(WORKER_CONNECTION) ? client.slice(WORKER_CONNECTION.length) : undefined;
    if (command === 'EVALSHA' || command === 'EVAL') return { ...this.#scriptStep(words), workerId };
    if (command === 'BZPOPMIN') return { name: 'wait for a ticket', workerId };
    if (command !== 'HGETALL' && command !== 'LRANGE') return undefined;
    const jobId = JOB_KEY.exec(words[1] ?? '')?.[1];
    return jobId === undefined ? undefined : { name: workerId === undefined ? 'read' : 'worker read', jobId, workerId };
  }

  /** A claim says only in its reply of which task it is. */
  ofReply(step: Step, words: readonly string[], reply: Buffer): Step {
    if (step.name !== 'claimTask') return step;
    const found = TASK.exec(reply.toString('utf8'));
    if (!found) return { ...step, name: 'claimTask nothing' };
    const attempt = { jobId: found[1]!, kind: found[2]! };
    this.#attempts.set(this.#given(words, 'attempt_id'), attempt);
    return { ...step, name: `claimTask ${attempt.kind}`, jobId: attempt.jobId };
  }

  #scriptStep(words: readonly string[]): Step {
    const name = this.#scriptOf(words)?.name;
    if (name === undefined) return { name: words.some((word) => word.includes(':bull:')) ? 'ticket' : 'other script' };
    if (name === 'createJob') this.#board.nameJob(this.#given(words, 'idempotency_key'), this.#given(words, 'job_id'));
    if (name === 'finishAttempt') {
      const attempt = this.#attempts.get(this.#given(words, 'attempt_id'));
      return attempt ? { name: `${name} ${attempt.kind}`, jobId: attempt.jobId } : { name };
    }
    const jobId = this.#given(words, 'job_id') || TASK.exec(this.#given(words, 'task_id'))?.[1];
    return { name, jobId };
  }

  /** The value of a script's argument; empty when it has none of that name. */
  #given(words: readonly string[], argument: string): string {
    const position = this.#scriptOf(words)?.positions.get(argument);
    // Before the arguments come the command, the script, the number of its keys and the keys.
    return position === undefined ? '' : (words[2 + Number(words[2]) + position] ?? '');
  }

  #scriptOf([command, script = '']: readonly string[]): KnownScript | undefined {
    if (command?.toUpperCase() === 'EVALSHA') return this.#scripts.get(script);
    const sha1 = createHash('sha1').update(script).digest('hex');
    const known = this.#scripts.get(sha1);
    const name = SCRIPT_NAME.exec(script)?.[1];
    if (known || name === undefined) return known;
    const positions = new Map([...script.matchAll(SCRIPT_ARGUMENT)].map(([, argument, at]) => [argument!, Number(at)]));
    this.#scripts.set(sha1, { name, positions });
    return { name, positions };
  }
}
