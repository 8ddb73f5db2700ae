import { z } from 'zod';

/** A person, a team or a program; part of Redis keys and object keys. */
export const Owner = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'An owner has 1 to 64 letters, digits, dots, hyphens and underscores.');
