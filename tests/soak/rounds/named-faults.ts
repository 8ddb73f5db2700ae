import type { Aim } from '../proxies/fault-board.js';

/** A fault that the recovery table has a row for. */
export interface NamedFault {
  readonly name: string;
  readonly aim?: Aim;
  /** How many workers the farm has that are well. */
  readonly workers: 1 | 2;
  /** Besides those, one whose engine cannot start; then there are several jobs at a time, for both to have work. */
  readonly hasBrokenWorker?: boolean;
}

const at = (step: string, nth: number, fault: Aim['fault']): Aim => ({ step, nth, fault });

export const namedFaults: readonly NamedFault[] = [
  { name: 'reply to a claim lost', workers: 1, aim: at('claimTask render', 1, { kind: 'lost-reply' }) },
  { name: 'reply to a commit lost', workers: 1, aim: at('commitPiece', 2, { kind: 'lost-reply' }) },
  { name: 'reply to a finished attempt lost', workers: 1, aim: at('finishAttempt render', 1, { kind: 'lost-reply' }) },
  { name: 'reply to the plan of renders lost', workers: 1, aim: at('planRenders', 1, { kind: 'lost-reply' }) },
  { name: 'reply to the start of the assembly lost', workers: 1, aim: at('readyAssembly', 1, { kind: 'lost-reply' }) },
  { name: 'connection of a commit silent', workers: 1, aim: at('commitPiece', 2, { kind: 'frozen' }) },
  { name: 'worker cut off past its lease', workers: 1, aim: at('commitPiece', 2, { kind: 'cut-off', forMs: 14_000 }) },
  { name: 'worker killed', workers: 1, aim: at('commitPiece', 2, { kind: 'kill', part: 'worker' }) },
  { name: 'worker killed, another there', workers: 2, aim: at('commitPiece', 2, { kind: 'kill', part: 'worker' }) },
  { name: 'worker frozen past its lease', workers: 1, aim: at('commitPiece', 2, { kind: 'freeze', part: 'worker' }) },
  { name: 'the same, another there', workers: 2, aim: at('commitPiece', 2, { kind: 'freeze', part: 'worker' }) },
  { name: 'engine killed', workers: 1, aim: at('commitPiece', 2, { kind: 'kill', part: 'engine' }) },
  { name: 'ffmpeg killed once', workers: 1, aim: at('commitPiece', 2, { kind: 'kill', part: 'ffmpeg' }) },
  { name: 'scheduler killed', workers: 1, aim: at('commitPiece', 2, { kind: 'kill', part: 'scheduler' }) },
  { name: 'API killed', workers: 1, aim: at('commitPiece', 2, { kind: 'kill', part: 'api' }) },
  { name: 'Redis killed', workers: 1, aim: at('commitPiece', 2, { kind: 'kill', part: 'redis' }) },
  { name: 'storage away for 5 s', workers: 1, aim: at('PUT pieces', 2, { kind: 'away', forMs: 5000 }) },
  { name: 'reply to the upload of a piece lost', workers: 1, aim: at('PUT pieces', 2, { kind: 'lost-reply' }) },
  { name: 'one worker of two has an engine that cannot start', workers: 1, hasBrokenWorker: true },
];
