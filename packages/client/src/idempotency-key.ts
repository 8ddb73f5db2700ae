import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const READ_BYTES = 1024 * 1024;

/** SHA-256 of a file's content, in hex. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: READ_BYTES })) hash.update(bytes);
  return hash.digest('hex');
}

export interface SubmittedContent {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly portraitSha256: string;
  readonly speechSha256: string;
}

/**
 * The same portrait, speech and settings give the same key, whatever the files are called: submitting them again finds
 * the existing job. The prefix changes when what goes into the key does.
 */
export function contentIdempotencyKey({ spec, portraitSha256, speechSha256 }: SubmittedContent): string {
  const settings = Object.entries(spec)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const content = JSON.stringify([
    settings.map(([name, value]) => [name, canonical(value)]),
    portraitSha256,
    speechSha256,
  ]);
  return `content-1-${createHash('sha256').update(content).digest('hex')}`;
}

function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}
