import type { Readable } from 'node:stream';

const NEWLINE = 0x0a;

export interface LineReader {
  /** Longer lines are not collected: `onTooLong` gets their beginning, and the rest is dropped. */
  maximumBytes: number;
  onLine(text: string): void;
  onTooLong(start: string): void;
}

/** Splits a stream into lines in bounded memory, which Node's readline does not. */
export function readLines(stream: Readable, { maximumBytes, onLine, onTooLong }: LineReader): void {
  let parts: Buffer[] = [];
  let bytes = 0;
  let isDropping = false;

  const add = (part: Buffer) => {
    if (isDropping || part.length === 0) return;
    const room = maximumBytes - bytes;
    // A copy of what is kept, so that the rest of its chunk can go.
    parts.push(part.length > room ? Buffer.from(part.subarray(0, room)) : part);
    bytes += part.length;
    if (bytes <= maximumBytes) return;
    isDropping = true;
    const start = Buffer.concat(parts).toString('utf8');
    parts = [];
    onTooLong(start);
  };
  const end = () => {
    const text = isDropping ? undefined : Buffer.concat(parts).toString('utf8');
    parts = [];
    bytes = 0;
    isDropping = false;
    if (text !== undefined) onLine(text.endsWith('\r') ? text.slice(0, -1) : text);
  };

  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1 && !stream.destroyed; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      end();
      from = at + 1;
    }
    if (!stream.destroyed) add(chunk.subarray(from));
  });
  stream.on('end', () => {
    if (bytes > 0) end();
  });
  stream.on('error', () => {});
}
