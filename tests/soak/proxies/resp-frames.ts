const CARRIAGE_RETURN = 0x0d;
const [BULK, VERBATIM, BULK_ERROR] = ['$', '=', '!'].map((type) => type.charCodeAt(0));
const [ARRAY, SET, PUSH, MAP, ATTRIBUTE] = ['*', '~', '>', '%', '|'].map((type) => type.charCodeAt(0));

export const isPush = (frame: Buffer): boolean => frame[0] === PUSH;

/**
 * Cuts a stream of the Redis protocol (RESP2 and RESP3) into whole values and keeps their bytes: a proxy must forward them
 * as they came, which a parser that gives values cannot do.
 */
export class RespFrames {
  #rest: Buffer = Buffer.alloc(0);

  /** The values that are complete with these bytes. */
  push(bytes: Buffer): Buffer[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Buffer[] = [];
    let start = 0;
    for (let end = endOfValue(all, start); end !== undefined; end = endOfValue(all, start)) {
      frames.push(all.subarray(start, end));
      start = end;
    }
    this.#rest = all.subarray(start);
    return frames;
  }
}

/** Where the value that begins at `start` ends; undefined while it is incomplete. */
function endOfValue(bytes: Buffer, start: number): number | undefined {
  const line = endOfLine(bytes, start);
  if (line === undefined) return undefined;
  const type = bytes[start];
  if (type === BULK || type === VERBATIM || type === BULK_ERROR) {
    const length = lengthAt(bytes, start, line);
    const end = length < 0 ? line : line + length + 2;
    return end <= bytes.length ? end : undefined;
  }
  let end: number | undefined = line;
  for (let left = valuesInside(bytes, start, line); left > 0 && end !== undefined; left -= 1)
    end = endOfValue(bytes, end);
  return end;
}

function valuesInside(bytes: Buffer, start: number, line: number): number {
  const type = bytes[start];
  if (type === ARRAY || type === SET || type === PUSH) return lengthAt(bytes, start, line);
  if (type === MAP) return 2 * lengthAt(bytes, start, line);
  // An attribute comes before the value that it describes.
  if (type === ATTRIBUTE) return 2 * lengthAt(bytes, start, line) + 1;
  return 0;
}

function endOfLine(bytes: Buffer, start: number): number | undefined {
  const at = bytes.indexOf(CARRIAGE_RETURN, start);
  return at < 0 || at + 2 > bytes.length ? undefined : at + 2;
}

const lengthAt = (bytes: Buffer, start: number, line: number) => Number(bytes.toString('latin1', start + 1, line - 2));

/** The words of a request: an array of bulk strings. */
export function wordsOf(request: Buffer): string[] {
  const words: string[] = [];
  for (let at = endOfLine(request, 0)!; at < request.length; ) {
    const line = endOfLine(request, at)!;
    const end = line + lengthAt(request, at, line);
    words.push(request.toString('utf8', line, end));
    at = end + 2;
  }
  return words;
}
