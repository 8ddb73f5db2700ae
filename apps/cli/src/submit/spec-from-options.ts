import { JobSpec } from '@farm/contracts';
import { InvalidOptionError } from '../errors.js';
import { InvalidSettingsError, MissingPromptError } from './errors.js';

/** The settings of `farm submit` as commander passes them. */
export interface SpecOptions {
  readonly prompt?: string;
  readonly size?: string;
  readonly clips?: string;
  readonly truncate?: true;
  readonly framesPerClip?: string;
  readonly steps?: string;
  readonly solver?: string;
  readonly guidanceScale?: string;
  readonly seed?: string;
  readonly engine?: string;
  readonly precision?: string;
  readonly continuity?: string;
  readonly segmentClips?: string;
  readonly preset?: string;
  readonly priority?: string;
  readonly dueAt?: string;
  readonly metadata?: readonly string[];
}

const numbers = ['clips', 'framesPerClip', 'steps', 'guidanceScale', 'seed', 'segmentClips', 'priority'] as const;
const words = ['prompt', 'size', 'solver', 'engine', 'precision', 'continuity', 'preset', 'dueAt'] as const;

/** The spec that the options describe. @throws UsageError that names the options that are wrong */
export function specFromOptions(options: SpecOptions): JobSpec {
  if (options.prompt === undefined) throw new MissingPromptError();
  const spec: Record<string, unknown> = {};
  for (const name of words) if (options[name] !== undefined) spec[name] = options[name];
  for (const name of numbers) if (options[name] !== undefined) spec[name] = toNumber(name, options[name]);
  if (options.truncate) spec.truncate = true;
  if (options.metadata?.length) spec.metadata = Object.fromEntries(options.metadata.map(metadataEntry));
  const parsed = JobSpec.safeParse(spec);
  if (parsed.success) return parsed.data;
  throw new InvalidSettingsError(
    parsed.error.issues.map(({ path, message }) => ({ option: optionName(String(path[0])), message })),
  );
}

function toNumber(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || Number.isNaN(number)) {
    throw new InvalidOptionError(optionName(name), { value: text, expected: 'a number' });
  }
  return number;
}

function metadataEntry(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidOptionError('--metadata', { value: text, expected: 'name=value' });
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function optionName(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
