const CHUNK_HEADER_BYTES = 8;
const FRAME_HEADER_BYTES = 16;
const ANIMATION_FLAG = 0x02;
const ALPHA_FLAG = 0x10;

function* chunksOf(bytes: Buffer, from: number): Generator<{ name: string; whole: Buffer; body: Buffer }> {
  for (let at = from; at + CHUNK_HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    const end = at + CHUNK_HEADER_BYTES + length + (length % 2);
    if (end > bytes.length) return;
    const body = bytes.subarray(at + CHUNK_HEADER_BYTES, at + CHUNK_HEADER_BYTES + length);
    yield { name: bytes.toString('latin1', at, at + 4), whole: bytes.subarray(at, end), body };
    at = end;
  }
}

function chunk(name: string, body: Buffer): Buffer {
  const header = Buffer.alloc(CHUNK_HEADER_BYTES);
  header.write(name, 'latin1');
  header.writeUInt32LE(body.length, 4);
  return Buffer.concat([header, body, Buffer.alloc(body.length % 2)]);
}

export const isWebp = (head: Buffer): boolean =>
  head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP';

export const isAnimatedWebp = (head: Buffer): boolean =>
  isWebp(head) && head.toString('latin1', 12, 16) === 'VP8X' && (head[20]! & ANIMATION_FLAG) !== 0;

/**
 * Makes a still WebP of an animation's first frame (WebP Container Specification, "Animation"), which ffmpeg up to 7
 * cannot read. A frame smaller than the canvas is used as it is.
 *
 * @returns `undefined` when there is no whole frame
 */
export function webpFirstFrame(bytes: Buffer): Buffer | undefined {
  for (const { name, body } of chunksOf(bytes, 12)) {
    if (name !== 'ANMF' || body.length < FRAME_HEADER_BYTES) continue;
    const image = [...chunksOf(body, FRAME_HEADER_BYTES)].filter((part) =>
      ['ALPH', 'VP8 ', 'VP8L'].includes(part.name),
    );
    if (!image.some((part) => part.name.startsWith('VP8'))) return undefined;
    const extended = Buffer.alloc(10);
    extended[0] = image.some((part) => part.name === 'ALPH') ? ALPHA_FLAG : 0;
    // Both headers hold width and height less one, 24 bits each.
    body.copy(extended, 4, 6, 12);
    const parts = Buffer.concat([Buffer.from('WEBP'), chunk('VP8X', extended), ...image.map((part) => part.whole)]);
    return chunk('RIFF', parts);
  }
  return undefined;
}
