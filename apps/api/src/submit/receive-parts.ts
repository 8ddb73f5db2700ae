import { FarmError, type JobSpec, objectKeys } from '@farm/contracts';
import type { StoredInput } from '@farm/records';
import type { Multipart, MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { Services } from '../services.js';
import { readSpec } from './read-spec.js';
import { extensionOf, type InputName, maximumBytesOf, storeUpload } from './store-upload.js';

export interface ReceivedJob {
  spec: JobSpec;
  image: StoredInput;
  audio: StoredInput;
}

/** Keys of what was put into storage for a job that may yet be refused. */
export type StoredKeys = Set<string>;

const partNames = ['spec', 'image', 'audio'] as const;
const storedNames = { image: 'portrait', audio: 'speech' } as const;
export const inputKeyOf = (jobId: string, name: InputName, fileName: string | undefined): string =>
  objectKeys.input(jobId, storedNames[name], extensionOf(fileName));
const SPEC_BYTES = 256 * 1024;

/**
 * Reads the parts `spec`, `image` and `audio` in any order, the files straight into storage.
 *
 * @param stored gets each key before its first byte is written
 */
export async function receiveParts(
  services: Services,
  request: FastifyRequest,
  job: { id: string; stored: StoredKeys; signal: AbortSignal },
): Promise<ReceivedJob> {
  const received: Partial<ReceivedJob> = {};
  for await (const part of partsOf(request)) {
    const name = partNames.find((candidate) => candidate === part.fieldname);
    // Untyped in the library: a part may come without a name.
    if (name === undefined) throw unknownPart(part.fieldname as string | undefined);
    if (received[name] !== undefined)
      throw new FarmError('duplicate-part', `The part ${name} came twice; send it once.`, {
        status: 422,
        data: { part: name },
      });
    if (name === 'spec') received.spec = readSpec(await specText(part));
    else received[name] = await receiveFile(services, part, { ...job, name });
  }
  const missing = partNames.filter((name) => received[name] === undefined);
  if (missing.length > 0)
    throw new FarmError('missing-part', `The request lacks the part ${missing.join(' and the part ')}.`, {
      status: 422,
      data: { missing },
    });
  return received as ReceivedJob;
}

/** @throws FarmError `bad-multipart` where the parser gives up with an error that has no code */
async function* partsOf(request: FastifyRequest): AsyncGenerator<Multipart> {
  const parts = request.parts({ limits: { fileSize: Number.MAX_SAFE_INTEGER } });
  for (;;) {
    const next = await parts.next().catch((cause: unknown) => {
      if (!(cause instanceof Error) || 'code' in cause) throw cause;
      throw new FarmError('bad-multipart', `The body is not valid multipart/form-data: ${cause.message}.`, {
        status: 400,
        cause,
      });
    });
    if (next.done) return;
    yield next.value;
  }
}

function unknownPart(name: string | undefined): FarmError {
  const told = name === undefined ? 'A part has no name.' : `There is no part ${JSON.stringify(name.slice(0, 50))}.`;
  return new FarmError('unknown-part', `${told} Send spec (JSON), image and audio.`, {
    status: 422,
  });
}

async function specText(part: Multipart): Promise<unknown> {
  const tooLarge = new FarmError('body-too-large', 'The spec is larger than 256 KiB.', { status: 413 });
  if (part.type === 'field') {
    if (part.valueTruncated) throw tooLarge;
    return part.value;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of part.file as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > SPEC_BYTES) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function receiveFile(
  services: Services,
  part: Multipart,
  job: { id: string; name: InputName; stored: StoredKeys; signal: AbortSignal },
): Promise<StoredInput> {
  const { id, name, stored, signal } = job;
  if (part.type !== 'file')
    throw new FarmError('not-a-file', `The part ${name} is text; send it as a file (curl: -F ${name}=@path).`, {
      status: 422,
      data: { part: name },
    });
  const { file, filename } = part as MultipartFile;
  const key = inputKeyOf(id, name, filename);
  stored.add(key);
  const maximumBytes = maximumBytesOf(services.configuration.limits, name);
  return await storeUpload(services.storage, { name, key, source: file, maximumBytes, signal });
}
