import { SPEECH_SAMPLE_RATE } from '@farm/contracts';

export const FACE_SIDE = 256;
const HEADER_BYTES = 54;

/** A BMP, which every decoder reads: skin, two eyes and a mouth on grey. */
export function drawnFace(): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + FACE_SIDE * FACE_SIDE * 3);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(HEADER_BYTES, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(FACE_SIDE, 18);
  // Rows from top to bottom.
  bytes.writeInt32LE(-FACE_SIDE, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let y = 0; y < FACE_SIDE; y += 1)
    for (let x = 0; x < FACE_SIDE; x += 1) bytes.set(colourAt(x, y), offsetOf(x, y));
  return bytes;
}

const offsetOf = (x: number, y: number) => HEADER_BYTES + (y * FACE_SIDE + x) * 3;

/** Blue, green, red. */
function colourAt(x: number, y: number): [number, number, number] {
  const inside = (cx: number, cy: number, rx: number, ry: number) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1;
  if (inside(98, 110, 10, 6) || inside(158, 110, 10, 6)) return [30, 30, 40];
  if (inside(128, 180, 24, 7)) return [70, 70, 170];
  return inside(128, 132, 70, 92) ? [150, 180, 220] : [120, 120, 120];
}

/** A mono 16-bit WAV file of a quiet hum. */
export function hum(sampleCount: number): Buffer {
  const bytes = Buffer.alloc(44 + 2 * sampleCount);
  bytes.write('RIFF');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(SPEECH_SAMPLE_RATE, 24);
  bytes.writeUInt32LE(2 * SPEECH_SAMPLE_RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * sampleCount, 40);
  for (let i = 0; i < sampleCount; i += 1)
    bytes.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 180 * i) / SPEECH_SAMPLE_RATE)), 44 + 2 * i);
  return bytes;
}
