import { CommandError, UsageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { type UpstreamFlag, upstreamFlags } from './flags.js';

const byName = new Map(upstreamFlags.map((flag) => [flag.flag, flag]));
/** Spelled the same in both; commander reads these. */
const shared = new Set(['--prompt', '--size']);

class MissingValueError extends UsageError {
  constructor(flag: string) {
    super(`${flag} needs a value.`);
  }
}

class UpstreamFlagRefusedError extends CommandError {
  /** @param flag with its value, if it has one */
  constructor(flag: string, reason: string) {
    super('upstream-flag-refused', `${flag} is refused. ${reason}`, { exitCode: exitCodes.usage });
  }
}

export interface Translation {
  readonly words: readonly string[];
  /** Flags that are not settings of a job here, in the order in which they came. */
  readonly leftOut: readonly string[];
}

/** Live Avatar's own flags on `farm submit`, turned into the farm's; all other words pass as they are. */
export function translateSubmitArguments(commandLine: readonly string[], note: (text: string) => void): string[] {
  if (commandLine[0] !== 'submit') return [...commandLine];
  const { words, leftOut } = translateUpstream(commandLine.slice(1));
  if (leftOut.length > 0) {
    note(`Decided by the farm, not by a job: ${leftOut.join(', ')} (docs/coming-from-live-avatar.md says how).`);
  }
  return ['submit', ...words];
}

/** @throws UpstreamFlagRefusedError with the reason */
export function translateUpstream(commandLine: readonly string[]): Translation {
  const words: string[] = [];
  const leftOut: string[] = [];
  const rest = [...commandLine];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return { words: [...words, word, ...rest], leftOut };
    const [name = '', ...joined] = word.split('=');
    const flag = shared.has(name) ? undefined : byName.get(name);
    if (flag === undefined) {
      words.push(word);
      continue;
    }
    const value = joined.length > 0 ? joined.join('=') : flag.takesValue ? rest.shift() : '';
    if (value === undefined) throw new MissingValueError(flag.flag);
    if (flag.treatment.kind === 'setting') words.push(...flag.treatment.translate(value));
    else refuseUnlessAllowed(flag, value, leftOut);
  }
  return { words, leftOut };
}

function refuseUnlessAllowed({ flag, takesValue, treatment, meaning }: UpstreamFlag, value: string, leftOut: string[]) {
  if (treatment.kind !== 'refused' || treatment.allows?.(value)) {
    leftOut.push(flag);
    return;
  }
  throw new UpstreamFlagRefusedError(takesValue ? `${flag} ${value}` : flag, meaning);
}
