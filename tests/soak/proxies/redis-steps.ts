import { createHash } from 'node:crypto';
import type { FaultBoard, Step } from './fault-board.js';

const SCRIPT_NAME = /^-- (\w+)\n/;
const TASK = /\b([0-9a-z]{26})-(prepare|render|assemble)\b/;
const JOB_KEY = /^\{farm\}:(?:job|task):([0-9a-z]{26})/;
const WORKER_CONNECTION = 'farm-worker-';

interface Attempt {
  readonly jobId: string;
  readonly kind: string;
}

/**
 * Says which step of the farm a request to Redis is. Scripts are known by the first line of their source, which each
 * connection sends once; attempts by the reply to their claim.
 */
export class RedisSteps {
  readonly #board: FaultBoard;
  readonly #scriptNames = new Map<string, string>();
  readonly #attempts = new Map<string, Attempt>();

  constructor(board: FaultBoard) {
    this.#board = board;
  }

  /** @param client name of the connection. @returns undefined for a request that is no step */
  of(words: readonly string[], client: string): Step | undefined {
    const command = words[0]?.toUpperCase();
    const workerId = client.startsWith(WORKER_CONNECTION) ? client.slice(WORKER_CONNECTION.length) : undefined;
    if (command === 'EVALSHA' || command === 'EVAL') return { ...this.#scriptStep(words, command), workerId };
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
    this.#attempts.set(argumentsOf(words)[1]!, attempt);
    return { ...step, name: `claimTask ${attempt.kind}`, jobId: attempt.jobId };
  }

  #scriptStep(words: readonly string[], command: 'EVAL' | 'EVALSHA'): Step {
    const name = this.#scriptName(words[1]!, command);
    const given = argumentsOf(words);
    if (name === undefined) return { name: words.some((word) => word.includes(':bull:')) ? 'ticket' : 'other script' };
    if (name === 'createJob') {
      this.#board.nameJob(given[9] ?? '', given[0]!);
      return { name, jobId: given[0] };
    }
    if (name === 'finishAttempt') {
      const attempt = this.#attempts.get(given[0]!);
      return attempt ? { name: `${name} ${attempt.kind}`, jobId: attempt.jobId } : { name };
    }
    const jobId = TASK.exec(given[0] ?? '')?.[1] ?? /^[0-9a-z]{26}$/.exec(given[0] ?? '')?.[0];
    return { name, jobId };
  }

  #scriptName(word: string, command: 'EVAL' | 'EVALSHA'): string | undefined {
    if (command === 'EVALSHA') return this.#scriptNames.get(word);
    const name = SCRIPT_NAME.exec(word)?.[1];
    if (name !== undefined) this.#scriptNames.set(createHash('sha1').update(word).digest('hex'), name);
    return name;
  }
}

/** What follows the script, the number of its keys and the keys. */
const argumentsOf = (words: readonly string[]): readonly string[] => words.slice(3 + Number(words[2]));
