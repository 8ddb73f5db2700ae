import type { Readable } from 'node:stream';
import { objectKeys, SubmitRequest } from '@farm/contracts';
import type { ObjectStorage } from '@farm/storage';
import { z } from 'zod';
import { InvalidSubmitError, UploadNotFoundError } from './part-errors.js';
import { withCurrentNames } from './part-names.js';
import type { SubmittedPart } from './submission.js';

/** The spec is checked by itself, with codes of its own. */
const JsonSubmit = SubmitRequest.extend({ spec: z.unknown() });

/**
 * The parts of a submit whose files were uploaded before. The uploads stay for other jobs until they expire.
 *
 * @throws InvalidSubmitError, UploadNotFoundError
 */
export async function* jsonParts(storage: ObjectStorage, owner: string, body: unknown): AsyncGenerator<SubmittedPart> {
  const parsed = JsonSubmit.safeParse(withCurrentNames(body));
  if (!parsed.success)
    throw new InvalidSubmitError(
      parsed.error.issues.map(({ path, message }) => ({ field: path.join('.') || 'body', message })),
    );
  const { spec } = parsed.data;
  yield { name: 'spec', read: async () => spec };
  for (const name of ['portrait', 'speech'] as const) {
    const uploadId = parsed.data[name];
    const open = async (): Promise<Readable> => {
      const object = await storage.get(objectKeys.upload(owner, uploadId));
      if (object === undefined) throw new UploadNotFoundError(uploadId, name);
      return object.stream;
    };
    yield { name, file: { name: uploadId, open } };
  }
}
