import { JobSpec } from '@farm/contracts';
import { BadSpecJsonError, InvalidSpecError, UnknownFieldError } from './spec-errors.js';

/**
 * The spec as it was sent, with nothing filled in or left out: an Idempotency-Key stands for exactly this.
 *
 * @param given a spec, or its JSON
 * @throws BadSpecJsonError, UnknownFieldError, or InvalidSpecError with every fault in `errors`
 */
export function readSpec(given: unknown): JobSpec {
  const parsed = JobSpec.safeParse(typeof given === 'string' ? parseJson(given) : given);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const unknown = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  if (unknown.length > 0) throw new UnknownFieldError(unknown, parsed.error);
  throw new InvalidSpecError(parsed.error);
}

function parseJson(text: string): unknown {
  try {
    // Editors on Windows begin files with a byte order mark (RFC 8259, section 8.1).
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    throw new BadSpecJsonError(cause);
  }
}
