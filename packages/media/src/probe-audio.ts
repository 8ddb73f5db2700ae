import type { FileHandle } from 'node:fs/promises';
import { MediaError } from './media-error.js';
import type { CallOptions, MediaTools } from './media-tools.js';
import { askFfprobe, readAt, withInput } from './probe.js';
import { readWavLayout, type WavLayout } from './wav.js';

/** The containers that are opened at all: none that can point to other files. */
export const AUDIO_FORMATS = 'wav,w64,aiff,caf,au,flac,mp3,aac,ac3,amr,ogg,mov,matroska,asf';

const ESTIMATING_FORMATS = ['aac', 'ac3', 'amr'];
const PCM = 1;
const HIGHEST_SAMPLE_RATE = 384_000;
/** PCM of a WAV in ffmpeg's words, by the bits of a sample. */
const pcmCodecs: Readonly<Record<number, string>> = { 8: 'pcm_u8', 16: 'pcm_s16le', 24: 'pcm_s24le', 32: 'pcm_s32le' };

export interface AudioLimits {
  maximumBytes: number;
  maximumSeconds: number;
  minimumSeconds: number;
}

export const defaultAudioLimits: AudioLimits = { maximumBytes: 2e9, maximumSeconds: 4 * 3600, minimumSeconds: 0.2 };

export interface AudioFacts {
  /** The container, in ffmpeg's words. */
  format: string;
  codec: string;
  sampleRate: number;
  channels: number;
  /** As the container says; `decodeSpeech` counts. */
  seconds: number;
  /** The container does not say, and ffprobe went by the bit rate. */
  estimated: boolean;
}

/**
 * Judges a recording by its content; names and MIME types have no say. The first audio stream counts, pictures beside it
 * do not.
 *
 * @throws MediaError `media-empty`, `media-too-large`, `speech-unreadable`, `speech-incomplete`, `speech-too-long`,
 *   `speech-too-short`
 */
export async function probeAudio(
  tools: MediaTools,
  path: string,
  options: CallOptions & { limits?: AudioLimits } = {},
): Promise<AudioFacts> {
  const { limits = defaultAudioLimits, ...call } = options;
  return await withInput(path, 'speech recording', limits.maximumBytes, async (file) => {
    const layout = await readWavLayout(file);
    const facts = wholePcmFacts(layout) ?? (await ffprobeFacts(tools, file, call));
    if (layout !== undefined) assertWholeWav(layout);
    assertLength(facts.seconds, limits);
    return facts;
  });
}

/** What the header of a plain, whole WAV says, without the start of a program; `undefined` for anything else. */
function wholePcmFacts(layout: WavLayout | undefined): AudioFacts | undefined {
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

async function ffprobeFacts(tools: MediaTools, file: FileHandle, call: CallOptions): Promise<AudioFacts> {
  const args = ['-format_whitelist', AUDIO_FORMATS, '-show_format', '-show_streams', '-select_streams', 'a:0'];
  const answer = await askFfprobe(tools, file, args, call);
  const stream = answer?.streams[0];
  const { sample_rate: sampleRate, channels, codec_name: codec } = stream ?? {};
  if (answer?.format === undefined || !sampleRate || !channels || codec === undefined) throw unreadable();
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

function unreadable(): MediaError {
  const message =
    'The speech recording cannot be read: it is no audio file, or its beginning or end is missing. Send WAV, FLAC, MP3, M4A or Ogg.';
  return new MediaError('speech-unreadable', message);
}

/** @throws MediaError `speech-too-long`, `speech-too-short` */
export function assertLength(seconds: number, limits: AudioLimits): void {
  const data = { seconds, ...limits };
  if (seconds > limits.maximumSeconds) {
    const message = `The speech lasts ${seconds.toFixed(1)} s; at most ${limits.maximumSeconds} s are taken. Split it into several jobs.`;
    throw new MediaError('speech-too-long', message, { data });
  }
  if (seconds < limits.minimumSeconds) {
    const message = `The speech lasts ${seconds.toFixed(3)} s; at least ${limits.minimumSeconds} s are needed. Send a longer recording.`;
    throw new MediaError('speech-too-short', message, { data });
  }
}

// ffmpeg takes a WAV that was cut off for a shorter one. A recorder that was killed leaves 0 or the largest number.
function assertWholeWav({ dataBytes, presentBytes }: WavLayout): void {
  if (dataBytes >= 0xffff_fffe || dataBytes - presentBytes <= 4096) return;
  throw truncated(dataBytes, presentBytes, 'bytes');
}

/**
 * @param decodedSeconds what came out of the decoder
 * @param wantedSeconds how much of the recording it was to decode
 * @throws MediaError `speech-incomplete` where less sound comes out than the container announces
 */
export function assertWhole(source: AudioFacts, decodedSeconds: number, wantedSeconds = source.seconds): void {
  const expected = Math.min(source.seconds, wantedSeconds);
  // Less than an estimate proves nothing.
  if (source.estimated || decodedSeconds >= expected * 0.97 - 0.25) return;
  throw truncated(source.seconds, decodedSeconds, 's');
}

export function damaged(stderr: string): MediaError {
  const message = 'The speech recording is damaged and cannot be decoded. Export it again, as WAV if you can.';
  return new MediaError('speech-unreadable', message, { data: { stderr } });
}

function truncated(announced: number, present: number, unit: 'bytes' | 's'): MediaError {
  const digits = unit === 's' ? 2 : 0;
  const message = `The speech recording is cut off: it announces ${announced.toFixed(digits)} ${unit} of sound and holds ${present.toFixed(digits)}. Send the whole file.`;
  return new MediaError('speech-incomplete', message, { data: { announced, present, unit } });
}
