import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;

/** Calls `onLine` for every line that is added to a file from now on, until `signal` aborts. */
export async function followLog(path: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
  let position: number | undefined;
  let rest = '';
  while (!signal.aborted) {
    const file = await open(path, 'r').catch(() => undefined);
    if (file) {
      const { size } = await file.stat();
      position ??= size;
      const bytes = Buffer.alloc(Math.max(0, size - position));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
      await file.close();
      position += bytesRead;
      const lines = (rest + bytes.subarray(0, bytesRead).toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    } else {
      position = 0;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
