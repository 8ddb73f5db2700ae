import { z } from 'zod';
import { Owner } from './owner.js';

/** What a key may do, each role including the ones before it. */
export const Role = z.enum(['submit', 'operator', 'admin']);
export type Role = z.infer<typeof Role>;

const Timestamp = z.iso.datetime();

export const KeyView = z.object({
  id: z.string(),
  owner: z.string(),
  role: Role,
  createdAt: Timestamp,
  expiresAt: Timestamp.optional().describe('When a rotated key stops working'),
});
export type KeyView = z.infer<typeof KeyView>;

export const KeyList = z.object({ keys: z.array(KeyView) });

export const NewKey = KeyView.extend({ secret: z.string().describe('Shown once; the farm keeps its SHA-256') });
export type NewKey = z.infer<typeof NewKey>;

export const KeyRequest = z.strictObject({
  owner: Owner.describe('Whose jobs the key sees'),
  role: Role.describe('submit: own jobs; operator: everyone’s jobs, workers; admin: keys and limits too'),
});
export type KeyRequest = z.infer<typeof KeyRequest>;

export const KeyRotation = z.strictObject({
  graceSeconds: z.int().min(0).max(604_800).default(3600).describe('How long the old key still works'),
});

export const KeyQuery = z.strictObject({ owner: Owner.optional() });
export const KeyParams = z.object({ id: z.string().min(1).max(64).describe('The key’s id') });
