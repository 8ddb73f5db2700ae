import { z } from 'zod';
import { examplePrompt, exampleUploadId } from './examples.js';
import { JobSpec } from './job-spec.js';
import { UploadId } from './upload.js';

/** A submit whose files were uploaded before. */
export const SubmitRequest = z.strictObject({ spec: JobSpec, portrait: UploadId, speech: UploadId }).meta({
  id: 'SubmitRequest',
  description: 'A job whose files were uploaded before',
  examples: [
    { spec: { prompt: examplePrompt }, portrait: exampleUploadId, speech: exampleUploadId.replace('jpg', 'wav') },
  ],
});
export type SubmitRequest = z.input<typeof SubmitRequest>;

/** A submit with its files, in `multipart/form-data`, the parts in any order. */
export const MultipartSubmitRequest = z
  .strictObject({
    spec: JobSpec,
    portrait: z.file().describe('An image of one face'),
    speech: z.file().describe('A recording of one voice'),
  })
  .meta({ id: 'MultipartSubmitRequest', description: 'A job with its files, the parts in any order' });
