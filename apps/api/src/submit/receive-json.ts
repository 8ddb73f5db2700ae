import { FarmError, objectKeys } from '@farm/contracts';
import type { ApiKeyRecord, StoredInput } from '@farm/records';
import { z } from 'zod';
import type { Services } from '../services.js';
import { readSpec } from './read-spec.js';
import { inputKeyOf, type ReceivedJob, type StoredKeys } from './receive-parts.js';
import { type InputName, maximumBytesOf, storeUpload } from './store-upload.js';

export const UploadId = z
  .string()
  .regex(/^[0-9a-z]{26}(\.[a-z0-9]{2,5})?$/, 'Give the id that POST /v1/uploads answered.')
  .describe('The id that POST /v1/uploads answered');

/** A submit whose files were uploaded before. */
export const JsonSubmit = z.strictObject({ spec: z.unknown(), image: UploadId, audio: UploadId });

/** Copies uploaded files to the job, hashing them on the way: the uploads stay for other jobs until they expire. */
export async function receiveJson(
  services: Services,
  body: unknown,
  job: { id: string; caller: ApiKeyRecord; stored: StoredKeys; signal: AbortSignal },
): Promise<ReceivedJob> {
  const parsed = JsonSubmit.safeParse(body);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.') || 'body', message }));
    const detail = faults.map(({ field, message }) => `${field}: ${message}`).join(' ');
    throw new FarmError('invalid-request', `Send {"spec": {…}, "image": id, "audio": id}. ${detail}`, {
      status: 400,
      data: { errors: faults },
    });
  }
  const spec = readSpec(parsed.data.spec);
  const image = await copyUpload(services, { ...job, name: 'image', uploadId: parsed.data.image });
  const audio = await copyUpload(services, { ...job, name: 'audio', uploadId: parsed.data.audio });
  return { spec, image, audio };
}

async function copyUpload(
  services: Services,
  upload: {
    id: string;
    caller: ApiKeyRecord;
    stored: StoredKeys;
    signal: AbortSignal;
    name: InputName;
    uploadId: string;
  },
): Promise<StoredInput> {
  const { id, caller, stored, signal, name, uploadId } = upload;
  const object = await services.storage.get(objectKeys.upload(caller.owner, uploadId));
  if (object === undefined)
    throw new FarmError(
      'upload-not-found',
      `There is no upload ${uploadId} of yours: nothing was PUT to its URL yet, or it has expired. Upload the ${name} again.`,
      { status: 422, data: { field: name } },
    );
  const key = inputKeyOf(id, name, uploadId);
  stored.add(key);
  const maximumBytes = maximumBytesOf(services.configuration.limits, name);
  return await storeUpload(services.storage, { name, key, source: object.stream, maximumBytes, signal });
}
