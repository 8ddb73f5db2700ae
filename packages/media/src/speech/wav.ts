import type { FileHandle } from 'node:fs/promises';
import { open, writeFile } from 'node:fs/promises';
import { SPEECH_SAMPLE_RATE } from '@farm/contracts';
import { WavUnsupportedError } from './errors.js';

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;

export interface WavLayout {
  /** 1 is PCM. */
  format: number;
  channels: number;
  sampleRate: number;
  /** One sample of each channel. */
  bytesPerFrame: number;
  bitsPerSample: number;
  /** Where the samples begin in the file, how many bytes of them the header announces, and how many bytes follow. */
  dataOffset: number;
  dataBytes: number;
  presentBytes: number;
}

/** Reads the chunks of a RIFF/WAVE file up to its samples; `undefined` for anything else. */
export async function readWavLayout(file: FileHandle): Promise<WavLayout | undefined> {
  const buffer = Buffer.alloc(28);
  const readAt = async (position: number, length: number) =>
    (await file.read(buffer, 0, length, position)).bytesRead === length;
  if (!(await readAt(0, 12))) return undefined;
  if (buffer.toString('latin1', 0, 4) !== 'RIFF' || buffer.toString('latin1', 8, 12) !== 'WAVE') return undefined;
  const { size } = await file.stat();
  let layout: Omit<WavLayout, 'dataOffset' | 'dataBytes' | 'presentBytes'> | undefined;
  for (let position = 12; await readAt(position, 8); ) {
    const name = buffer.toString('latin1', 0, 4);
    const bytes = buffer.readUInt32LE(4);
    if (name === 'data') {
      if (layout === undefined) return undefined;
      const dataOffset = position + 8;
      return { ...layout, dataOffset, dataBytes: bytes, presentBytes: size - dataOffset };
    }
    if (name === 'fmt ') {
      if (!(await readAt(position + 8, 16))) return undefined;
      layout = {
        format: buffer.readUInt16LE(0),
        channels: buffer.readUInt16LE(2),
        sampleRate: buffer.readUInt32LE(4),
        bytesPerFrame: buffer.readUInt16LE(12),
        bitsPerSample: buffer.readUInt16LE(14),
      };
    }
    position += 8 + bytes + (bytes % 2);
  }
  return undefined;
}

/** Reads samples of a WAV written by `decodeSpeech` or `cutSpeech`: mono, 16 bits, 16 kHz. */
export class SpeechFile {
  readonly sampleCount: number;
  readonly #file: FileHandle;
  readonly #dataOffset: number;

  private constructor(file: FileHandle, dataOffset: number, sampleCount: number) {
    this.#file = file;
    this.#dataOffset = dataOffset;
    this.sampleCount = sampleCount;
  }

  /** @throws WavUnsupportedError */
  static async open(path: string): Promise<SpeechFile> {
    const file = await open(path, 'r');
    try {
      const layout = await readWavLayout(file);
      const isSpeech =
        layout?.format === 1 &&
        layout.channels === 1 &&
        layout.bitsPerSample === 16 &&
        layout.sampleRate === SPEECH_SAMPLE_RATE;
      if (layout !== undefined && isSpeech && layout.dataBytes <= layout.presentBytes) {
        return new SpeechFile(file, layout.dataOffset, Math.floor(layout.dataBytes / BYTES_PER_SAMPLE));
      }
      throw new WavUnsupportedError(path, SPEECH_SAMPLE_RATE);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** `count` samples from `first`, all of them within the recording. */
  async read(first: number, count: number): Promise<Int16Array> {
    const samples = new Int16Array(count);
    const bytes = Buffer.from(samples.buffer);
    await this.#file.read(bytes, 0, bytes.length, this.#dataOffset + first * BYTES_PER_SAMPLE);
    return samples;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** All samples of a speech WAV: 115 MB per hour. */
export async function readSpeech(path: string): Promise<Int16Array> {
  const speech = await SpeechFile.open(path);
  try {
    return await speech.read(0, speech.sampleCount);
  } finally {
    await speech.close();
  }
}

/** Writes mono 16-bit samples at 16 kHz as WAV. */
export async function writeSpeech(path: string, samples: Int16Array): Promise<void> {
  const dataBytes = samples.length * BYTES_PER_SAMPLE;
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SPEECH_SAMPLE_RATE, 24);
  header.writeUInt32LE(SPEECH_SAMPLE_RATE * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  const body = Buffer.from(samples.buffer, samples.byteOffset, dataBytes);
  await writeFile(path, Buffer.concat([header, body]));
}
