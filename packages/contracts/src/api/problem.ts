import { z } from 'zod';

/** RFC 9457 problem document; further members belong to the code. */
export const Problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('Stable; branch on this, never on the sentences'),
  instance: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;
