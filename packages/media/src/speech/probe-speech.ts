import type { FileHandle } from 'node:fs/promises';
import { askFfprobe } from '../programs/ffprobe.js';
import { readAt, withInput } from '../programs/input-file.js';
import type { CallOptions, MediaTools } from '../programs/media-tools.js';
import { SpeechIncompleteError, SpeechUnreadableError } from './errors.js';
import { assertLength, defaultSpeechLimits, type SpeechLimits } from './speech-limits.js';
import { readWavLayout, type WavLayout } from './wav.js';

/** The only containers that are opened: none of them can point to other files. */
export const SPEECH_FORMATS = 'wav,w64,aiff,caf,au,flac,mp3,aac,ac3,amr,ogg,mov,matroska,asf';

const ESTIMATING_FORMATS = ['aac', 'ac3', 'amr'];
const PCM = 1;
const HIGHEST_SAMPLE_RATE = 384_000;
/** ffmpeg's names for the PCM of a WAV, by bits per sample. */
const pcmCodecs: Readonly<Record<number, string>> = { 8: 'pcm_u8', 16: 'pcm_s16le', 24: 'pcm_s24le', 32: 'pcm_s32le' };

export interface SpeechFacts {
  /** The container, as ffmpeg names it. */
  format: string;
  codec: string;
  sampleRate: number;
  channels: number;
  /** As the container says; `decodeSpeech` counts. */
  seconds: number;
  /** The container does not say, and ffprobe estimated from the bit rate. */
  estimated: boolean;
}

/**
 * Judges a speech recording by its content; names and MIME types do not count. The first audio stream is used; pictures
 * in the same file are ignored.
 *
 * @throws MediaError with the code `media-empty`, `media-too-large`, `speech-unreadable`, `speech-incomplete`,
 *   `speech-too-long` or `speech-too-short`
 */
export async function probeSpeech(
  tools: MediaTools,
  path: string,
  options: CallOptions & { limits?: SpeechLimits } = {},
): Promise<SpeechFacts> {
  const { limits = defaultSpeechLimits, ...call } = options;
  return await withInput({ path, what: 'speech recording', maximumBytes: limits.maximumBytes }, async (file) => {
    const layout = await readWavLayout(file);
    const facts = wholePcmFacts(layout) ?? (await ffprobeFacts(tools, file, call));
    if (layout !== undefined) assertWholeWav(layout);
    assertLength(facts.seconds, limits);
    return facts;
  });
}

/** What the header of a plain, whole WAV says, without starting a program; `undefined` for anything else. */
function wholePcmFacts(layout: WavLayout | undefined): SpeechFacts | undefined {
  if (layout?.format !== PCM) return undefined;
  const { channels, sampleRate, bitsPerSample, bytesPerFrame, dataBytes, presentBytes } = layout;
  const codec = pcmCodecs[bitsPerSample];
  const isUsualRate = sampleRate > 0 && sampleRate <= HIGHEST_SAMPLE_RATE;
  const isConsistent = channels > 0 && bytesPerFrame === (channels * bitsPerSample) / 8;
  const isWhole = dataBytes > 0 && dataBytes <= presentBytes && dataBytes % bytesPerFrame === 0;
  if (codec === undefined || !isUsualRate || !isConsistent || !isWhole) return undefined;
  const seconds = dataBytes / bytesPerFrame / sampleRate;
  return { format: 'wav', codec, sampleRate, channels, seconds, estimated: false };
}

async function ffprobeFacts(tools: MediaTools, file: FileHandle, call: CallOptions): Promise<SpeechFacts> {
  const args = ['-format_whitelist', SPEECH_FORMATS, '-show_format', '-show_streams', '-select_streams', 'a:0'];
  const answer = await askFfprobe(tools, { file, args, ...call });
  const stream = answer?.streams[0];
  const { sample_rate: sampleRate, channels, codec_name: codec } = stream ?? {};
  if (answer?.format === undefined || !sampleRate || !channels || codec === undefined)
    throw new SpeechUnreadableError();
  const seconds = stream?.duration ?? answer.format.duration ?? 0;
  const format = answer.format.format_name;
  const estimated = ESTIMATING_FORMATS.includes(format) || (format === 'mp3' && !(await mp3SaysLength(file)));
  return { format, codec, sampleRate, channels, seconds, estimated };
}

const ID3_HEADER_BYTES = 10;
/** The longest frame of MPEG audio layer III: 320 kbit/s at 32 kHz, padded. */
const LONGEST_FRAME_BYTES = 1441;

/** Whether the first frame counts the others (Xing, Info, VBRI), as encoders write it; it follows the ID3v2 tag. */
async function mp3SaysLength(file: FileHandle): Promise<boolean> {
  const head = await readAt(file, 0, ID3_HEADER_BYTES);
  // Four bytes of seven bits each (ID3v2.4, section 3.1).
  const tagBytes = head.subarray(6).reduce((sum, byte) => sum * 128 + byte, 0);
  const start = head.toString('latin1', 0, 3) === 'ID3' ? ID3_HEADER_BYTES + tagBytes : 0;
  const frame = await readAt(file, start, LONGEST_FRAME_BYTES);
  return /Xing|Info|VBRI/.test(frame.toString('latin1'));
}

// ffmpeg mistakes a WAV that was cut off for a shorter one. A recorder that was killed leaves 0 or the largest number.
function assertWholeWav({ dataBytes, presentBytes }: WavLayout): void {
  if (dataBytes >= 0xffff_fffe || dataBytes - presentBytes <= 4096) return;
  throw new SpeechIncompleteError(dataBytes, presentBytes, 'bytes');
}

/**
 * @param decodedSeconds length of the decoder's output
 * @param wantedSeconds how much of the recording it was asked to decode
 * @throws SpeechIncompleteError where less sound comes out than the container announces
 */
export function assertWhole(source: SpeechFacts, decodedSeconds: number, wantedSeconds = source.seconds): void {
  const expected = Math.min(source.seconds, wantedSeconds);
  // Falling short of an estimate proves nothing.
  if (source.estimated || decodedSeconds >= expected * 0.97 - 0.25) return;
  throw new SpeechIncompleteError(source.seconds, decodedSeconds, 's');
}
