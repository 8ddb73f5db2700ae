import { z } from 'zod';
import { exampleCreatedAt, exampleOwner } from './examples.js';
import { Owner } from './owner.js';

/** What a key may do, each role including the ones before it. */
export const Role = z.enum(['submit', 'operator', 'admin']).meta({ id: 'Role' });
export type Role = z.infer<typeof Role>;

const Timestamp = z.iso.datetime();
const exampleKey = {
  id: '01m823zk7y1r5b8w2d6f4q9chn',
  owner: exampleOwner,
  role: 'submit',
  createdAt: exampleCreatedAt,
} as const;

export const KeyView = z
  .object({
    id: z.string(),
    owner: z.string(),
    role: Role,
    createdAt: Timestamp,
    expiresAt: Timestamp.optional().describe('When a rotated key stops working'),
  })
  .meta({ id: 'ApiKey', description: 'An API key without its secret', examples: [exampleKey] });
export type KeyView = z.infer<typeof KeyView>;

export const KeyList = z
  .object({ keys: z.array(KeyView) })
  .meta({ id: 'ApiKeyList', description: 'API keys, oldest first', examples: [{ keys: [exampleKey] }] });
export type KeyList = z.infer<typeof KeyList>;

export const NewKey = KeyView.extend({ secret: z.string().describe('Shown once; the farm keeps its SHA-256') }).meta({
  id: 'NewApiKey',
  description: 'An API key with its secret',
  examples: [{ ...exampleKey, secret: 'farm_0000000000000000000000000000000000000000000' }],
});
export type NewKey = z.infer<typeof NewKey>;

export const KeyRequest = z
  .strictObject({
    owner: Owner.describe('Whose jobs the key sees'),
    role: Role.describe('submit: own jobs; operator: everyone’s jobs, workers; admin: keys and limits too'),
  })
  .meta({ id: 'ApiKeyRequest', examples: [{ owner: exampleOwner, role: 'submit' }] });
export type KeyRequest = z.infer<typeof KeyRequest>;

export const KeyRotation = z
  .strictObject({
    graceSeconds: z.int().min(0).max(604_800).default(3600).describe('How long the old key still works'),
  })
  .meta({ id: 'ApiKeyRotation', examples: [{ graceSeconds: 3600 }] });
export type KeyRotation = z.input<typeof KeyRotation>;

export const KeyQuery = z.strictObject({ owner: Owner.optional().describe('Whose keys; everyone’s without it') });
export const KeyParams = z.object({ id: z.string().min(1).max(64).describe('The key’s id') });
