import { z } from 'zod';
import { Note } from './note.js';

export const Health = z.object({ status: z.literal('ok') }).meta({ id: 'Health', examples: [{ status: 'ok' }] });
export const Readiness = z
  .object({
    status: z.literal('ready'),
    warnings: z.array(Note).optional().describe('What an operator should look at, though the farm works'),
  })
  .meta({ id: 'Readiness', examples: [{ status: 'ready' }] });
