import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './filesystem-error.js';

// S3 orders whole keys by bytes: a folder sorts as if its name ended with the slash that follows it in the key.
const sortName = (entry: Dirent): Buffer => Buffer.from(entry.isDirectory() ? `${entry.name}/` : entry.name);

/** Keys of all files below `root` that begin with `prefix`, ordered by their bytes; a vanished folder is empty. */
export async function* walkKeys(root: string, prefix: string, below = ''): AsyncGenerator<string> {
  let entries: Dirent[];
  try {
    entries = await readdir(join(root, below), { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  entries.sort((a, b) => Buffer.compare(sortName(a), sortName(b)));
  for (const entry of entries) {
    const key = `${below}${entry.name}`;
    if (entry.isDirectory()) {
      const folder = `${key}/`;
      if (folder.startsWith(prefix) || prefix.startsWith(folder)) yield* walkKeys(root, prefix, folder);
    } else if (key.startsWith(prefix)) yield key;
  }
}
