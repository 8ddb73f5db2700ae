import { readFile } from 'node:fs/promises';
import { CredentialFileEmptyError, CredentialFileUnreadableError } from './errors.js';

/**
 * A credential given as it is, or as the file that holds it (surrounding white space is dropped).
 *
 * @throws CredentialFileUnreadableError, CredentialFileEmptyError
 */
export async function readCredential(name: string, given: string | { file: string }): Promise<string> {
  if (typeof given === 'string') return given;
  const value = await readFile(given.file, 'utf8').catch((cause: unknown) => {
    throw new CredentialFileUnreadableError(name, given.file, cause);
  });
  if (value.trim() === '') throw new CredentialFileEmptyError(name, given.file);
  return value.trim();
}
