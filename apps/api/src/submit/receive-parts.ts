import type { StoredInput } from '@farm/records';
import type { Services } from '../services.js';
import {
  DuplicatePartError,
  MissingPartError,
  NotAFileError,
  SpecTooLargeError,
  UnknownPartError,
} from './part-errors.js';
import { formerNameOf, type InputName, partNameOf, partNames } from './part-names.js';
import { readSpec } from './read-spec.js';
import { storeInput } from './store-input.js';
import type { IncomingJob, ReceivedJob, SubmittedPart } from './submission.js';

const SPEC_BYTES = 256 * 1024;

/** Reads the parts in any order, the files straight into storage. */
export async function receiveParts(
  services: Services,
  parts: AsyncIterable<SubmittedPart>,
  job: IncomingJob,
): Promise<ReceivedJob> {
  const received: Partial<ReceivedJob> = {};
  for await (const part of parts) {
    const name = partNameOf(part.fieldname);
    if (name === undefined) throw new UnknownPartError(part.fieldname);
    if (received[name] !== undefined) throw new DuplicatePartError(name, formerNameOf(name));
    if (name === 'spec') received.spec = readSpec(await specText(part));
    else received[name] = await receiveFile(services, { name, part }, job);
  }
  const missing = partNames.filter((name) => received[name] === undefined);
  if (missing.length > 0) throw new MissingPartError(missing);
  return received as ReceivedJob;
}

async function specText(part: SubmittedPart): Promise<unknown> {
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

async function receiveFile(
  services: Services,
  { name, part }: { name: InputName; part: SubmittedPart },
  job: IncomingJob,
): Promise<StoredInput> {
  if (part.type !== 'file') throw new NotAFileError(name);
  return await storeInput(services, { name, fileName: part.filename, source: part.file }, job);
}
