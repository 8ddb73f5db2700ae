import { z } from 'zod';
import { exampleEndedAt, exampleUploadId } from './examples.js';
import { Audience } from './signed-urls.js';

export const UploadId = z
  .string()
  .regex(/^[0-9a-z]{26}(\.[a-z0-9]{2,5})?$/, 'Send the id that POST /v1/uploads returned.')
  .describe('The id that POST /v1/uploads returned');

export const UploadRequest = z
  .strictObject({
    fileName: z.string().max(255).optional().describe('Only a known extension of it is kept'),
    audience: Audience.default('public').describe(
      'Who sends the file: someone outside, or a program inside the cluster',
    ),
  })
  .meta({ id: 'UploadRequest', examples: [{ fileName: 'portrait.jpg' }] });
export type UploadRequest = z.input<typeof UploadRequest>;

export const Upload = z
  .object({
    id: z.string().describe('Name it in POST /v1/jobs'),
    method: z.literal('PUT'),
    url: z.url().describe('Send the bytes here, without a key'),
    expiresAt: z.iso.datetime(),
  })
  .meta({
    id: 'Upload',
    examples: [
      {
        id: exampleUploadId,
        method: 'PUT',
        url: `https://farm.example/v1/objects/uploads/anna/${exampleUploadId}?expires=1772443300&signature=9b2e`,
        expiresAt: exampleEndedAt,
      },
    ],
  });
export type Upload = z.infer<typeof Upload>;
