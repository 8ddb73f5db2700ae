import type { Readable } from 'node:stream';
import { BadMultipartError, SpecTooLargeError, UnknownPartError } from './part-errors.js';
import { partNameOf } from './part-names.js';
import type { SubmittedPart } from './submission.js';

/** A part of a multipart body; those of `@fastify/multipart` fit. */
export type MultipartPart =
  | { type: 'field'; fieldname: string | undefined; value: unknown; valueTruncated: boolean }
  | { type: 'file'; fieldname: string | undefined; filename: string | undefined; file: Readable };

const SPEC_BYTES = 256 * 1024;

/** @throws BadMultipartError, UnknownPartError, SpecTooLargeError */
export async function* multipartParts(parts: AsyncIterator<MultipartPart>): AsyncGenerator<SubmittedPart> {
  for (;;) {
    const next = await parts.next().catch((error: unknown) => {
      // The parser itself gives up with errors that have no code.
      throw error instanceof Error && !('code' in error) ? new BadMultipartError(error) : error;
    });
    if (next.done) return;
    const part = next.value;
    const name = partNameOf(part.fieldname);
    if (name === undefined) throw new UnknownPartError(part.fieldname);
    if (name === 'spec') yield { name, read: () => specText(part) };
    else if (part.type === 'file') yield { name, file: { name: part.filename, open: async () => part.file } };
    else yield { name, file: undefined };
  }
}

async function specText(part: MultipartPart): Promise<unknown> {
  if (part.type === 'field') {
    if (part.valueTruncated) throw new SpecTooLargeError();
    return part.value;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of part.file as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > SPEC_BYTES) throw new SpecTooLargeError();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
