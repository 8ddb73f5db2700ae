import { z } from 'zod';
import { JobSpec } from './job-spec.js';
import { UploadId } from './upload.js';

/** A submit whose files were uploaded before. */
export const SubmitRequest = z.strictObject({ spec: JobSpec, portrait: UploadId, speech: UploadId });
export type SubmitRequest = z.input<typeof SubmitRequest>;

/** A submit with its files, in `multipart/form-data`, the parts in any order. */
export const MultipartSubmitRequest = z.strictObject({ spec: JobSpec, portrait: z.file(), speech: z.file() });
