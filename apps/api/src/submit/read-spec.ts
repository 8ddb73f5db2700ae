import { type ErrorCode, FarmError, JobSpec } from '@farm/contracts';
import type { ZodError } from 'zod';

/** @throws FarmError `bad-json`, `unknown-field`, or `invalid-<field>` with every fault in `errors` */
export function readSpec(given: unknown): JobSpec {
  const value = typeof given === 'string' ? parseJson(given) : given;
  const parsed = JobSpec.safeParse(value);
  if (parsed.success) return parsed.data;
  throw specError(parsed.error);
}

function parseJson(text: string): unknown {
  try {
    // Editors on Windows begin files with a byte order mark (RFC 8259, section 8.1).
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    const reason = cause instanceof Error ? ` (${cause.message})` : '';
    throw new FarmError('bad-json', `The spec is not valid JSON${reason}. Send an object such as {"prompt":"…"}.`, {
      status: 400,
      cause,
    });
  }
}

function specError(error: ZodError): FarmError {
  const errors = error.issues.map((issue) => ({ field: issue.path.join('.') || 'spec', message: issue.message }));
  const unknown = error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  if (unknown.length > 0)
    return new FarmError(
      'unknown-field',
      `The spec has fields that do not exist: ${unknown.slice(0, 10).join(', ')}. They exist: ${Object.keys(JobSpec.shape).join(', ')}.`,
      { status: 422, data: { errors, fields: unknown } },
    );
  const [first] = errors;
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join(' ');
  const name = first!.field.split('.')[0]!.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return new FarmError(`invalid-${name}` as ErrorCode, detail, { status: 422, data: { errors } });
}
