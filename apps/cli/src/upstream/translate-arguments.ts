import { CommandError, exitCodes, usageError } from '../exit-codes.js';
import { type UpstreamFlag, upstreamFlags } from './flags.js';

const byName = new Map(upstreamFlags.map((flag) => [flag.flag, flag]));
/** Spelled alike here and there; commander reads these. */
const shared = new Set(['--prompt', '--image', '--audio', '--size']);

export interface Translation {
  readonly words: readonly string[];
  /** Flags that are no settings of a job here, in the order in which they came. */
  readonly leftOut: readonly string[];
}

/** Live Avatar's own flags on `farm submit`, turned into the farm's; all other words pass as they are. */
export function translateSubmitArguments(commandLine: readonly string[], tell: (note: string) => void): string[] {
  if (commandLine[0] !== 'submit') return [...commandLine];
  const { words, leftOut } = translateUpstream(commandLine.slice(1));
  if (leftOut.length > 0) {
    tell(`Decided by the farm, not by a job: ${leftOut.join(', ')} (docs/coming-from-live-avatar.md says how).`);
  }
  return ['submit', ...words];
}

/** @throws CommandError for a flag that the farm refuses, with the reason. */
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
    if (value === undefined) throw usageError(`${flag.flag} needs a value.`);
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
  const message = `${takesValue ? `${flag} ${value}` : flag} is refused. ${meaning}`;
  throw new CommandError({ code: 'upstream-flag-refused', exitCode: exitCodes.usage, message });
}
