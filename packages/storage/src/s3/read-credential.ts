import { readFile } from 'node:fs/promises';
import { StorageError } from '../storage-error.js';

/** A credential given as it is, or as the file that holds it (surrounding white space is dropped). */
export async function readCredential(name: string, given: string | { file: string }): Promise<string> {
  if (typeof given === 'string') return given;
  const value = await readFile(given.file, 'utf8').catch((cause: unknown) => {
    const message = `The file ${given.file} for the storage's ${name} cannot be read. Check its path and its mode.`;
    throw new StorageError('storage-misconfigured', message, { cause });
  });
  if (value.trim() !== '') return value.trim();
  throw new StorageError('storage-misconfigured', `The file ${given.file} for the storage's ${name} is empty.`);
}
