import { objectKeys, SubmitRequest } from '@farm/contracts';
import type { StoredInput } from '@farm/records';
import { z } from 'zod';
import type { Services } from '../services.js';
import { InvalidSubmitError, UploadNotFoundError } from './part-errors.js';
import { type InputName, withCurrentNames } from './part-names.js';
import { readSpec } from './read-spec.js';
import { storeInput } from './store-input.js';
import type { IncomingJob, ReceivedJob } from './submission.js';

/** The spec is checked by itself, with codes of its own. */
export const JsonSubmit = SubmitRequest.extend({ spec: z.unknown() });

/** Copies uploaded files to the job, hashing them on the way: the uploads stay for other jobs until they expire. */
export async function receiveJson(services: Services, json: unknown, job: IncomingJob): Promise<ReceivedJob> {
  const parsed = JsonSubmit.safeParse(withCurrentNames(json));
  if (!parsed.success)
    throw new InvalidSubmitError(
      parsed.error.issues.map(({ path, message }) => ({ field: path.join('.') || 'body', message })),
    );
  const spec = readSpec(parsed.data.spec);
  const portrait = await copyUpload(services, { name: 'portrait', uploadId: parsed.data.portrait }, job);
  const speech = await copyUpload(services, { name: 'speech', uploadId: parsed.data.speech }, job);
  return { spec, portrait, speech };
}

async function copyUpload(
  services: Services,
  { name, uploadId }: { name: InputName; uploadId: string },
  job: IncomingJob,
): Promise<StoredInput> {
  const object = await services.storage.get(objectKeys.upload(job.owner, uploadId));
  if (object === undefined) throw new UploadNotFoundError(uploadId, name);
  return await storeInput(services, { name, fileName: uploadId, source: object.stream }, job);
}
