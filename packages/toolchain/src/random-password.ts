import { randomBytes } from 'node:crypto';

/** A password that nobody has to type: 32 hexadecimal digits. */
export function randomPassword(): string {
  return randomBytes(16).toString('hex');
}
