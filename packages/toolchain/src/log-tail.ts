import { readFile } from 'node:fs/promises';

/** The last lines of a log file, or nothing when there is none. */
export async function logTail(file: string, lineCount = 8): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lineCount).join('\n');
}
