import { createHash } from 'node:crypto';
import type { Role } from '@farm/contracts';
import { KEY_PREFIX } from '../redis/key-prefix.js';

export interface ApiKeyRecord {
  id: string;
  owner: string;
  role: Role;
  createdAt: number;
  /** When a key that was rotated ends. */
  expiresAt?: number;
}

/** A key whose secret is known only now. */
export interface NewApiKey {
  secret: string;
  record: ApiKeyRecord;
}

/** The ids of all keys, each with the hash of its secret. */
export const API_KEY_INDEX = `${KEY_PREFIX}keys`;

/** Where the record of the key with this hash is. */
export const apiKeyOfHash = (hash: string): string => `${KEY_PREFIX}key:${hash}`;

/** 256 random bits need no slow hash: nothing shorter than the key itself can be guessed. */
export const hashOfSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
