import { z } from 'zod';

/** An error or a warning as a job shows it: a stable code and a sentence. */
export const Note = z.object({ code: z.string(), message: z.string() });
