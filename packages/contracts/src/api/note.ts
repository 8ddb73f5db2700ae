import { z } from 'zod';

/** An error or a warning as a job shows it: a stable code and a sentence. */
export const Note = z.object({ code: z.string(), message: z.string() }).meta({
  id: 'Note',
  description: 'An error or a warning: branch on the code, show the message to people',
  examples: [
    { code: 'portrait-small', message: 'The portrait has 400 pixels on its short side; 512 or more look better.' },
  ],
});
