import { rename, rm } from 'node:fs/promises';
import { SPEECH_SAMPLE_RATE } from '@farm/contracts';
import { FfmpegFailedError } from '../programs/errors.js';
import { STANDARD_INPUT, withInput } from '../programs/input-file.js';
import type { CallOptions, MediaTools } from '../programs/media-tools.js';
import { runProcess } from '../programs/run-process.js';
import { SpeechDamagedError } from './errors.js';
import { measureSpeech, speechLevel } from './measure-speech.js';
import { assertWhole, probeSpeech, SPEECH_FORMATS, type SpeechFacts } from './probe-speech.js';
import { assertLength, defaultSpeechLimits, type SpeechLimits } from './speech-limits.js';
import { readSpeech, SpeechFile, writeSpeech } from './wav.js';

const DECODE_TIMEOUT_MS = 600_000;

/**
 * Speech below this level, in decibels of full scale, is raised to it. The liveavatar engine sees no more than a window,
 * and takes what is below -45 there for a pause: with the gaps between words, speech at -35 stays above that.
 */
const LEAST_SPEECH_LEVEL = -35;

export interface DecodedSpeech {
  sampleCount: number;
  seconds: number;
  /** By how many decibels quiet speech was raised, 0 for most recordings. */
  raisedDb: number;
  source: SpeechFacts;
}

export interface DecodeSpeechOptions extends CallOptions {
  inputPath: string;
  /** Mono 16-bit WAV at 16 kHz. */
  outputPath: string;
  limits?: SpeechLimits;
}

function decoderArguments(limits: SpeechLimits, outputPath: string): string[] {
  return [
    ...['-nostdin', '-hide_banner', '-v', 'error', '-y', '-filter_threads', '1'],
    ...['-protocol_whitelist', 'file', '-format_whitelist', SPEECH_FORMATS, '-i', STANDARD_INPUT],
    // One second more than is allowed: enough to see that it is too long.
    ...['-map', '0:a:0', '-t', String(limits.maximumSeconds + 1), '-ac', '1', '-ar', String(SPEECH_SAMPLE_RATE)],
    ...['-c:a', 'pcm_s16le', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'],
    ...['-f', 'wav', `file:${outputPath}`],
  ];
}

/**
 * Judges a recording and decodes it to the samples that engines get; the same file gives the same samples. Quiet speech
 * is raised, and what counts as silent (`measureSpeech`) is left as it is.
 *
 * @throws MediaError as `probeSpeech`; SpeechIncompleteError where less sound comes out than the container announces
 */
export async function decodeSpeech(tools: MediaTools, options: DecodeSpeechOptions): Promise<DecodedSpeech> {
  const { inputPath, outputPath, limits = defaultSpeechLimits, signal, timeoutMs = DECODE_TIMEOUT_MS } = options;
  const source = await probeSpeech(tools, inputPath, { limits, signal });
  const temporaryPath = `${outputPath}.part`;
  const command = tools.ffmpegPath;
  try {
    const input = { path: inputPath, what: 'speech recording', maximumBytes: limits.maximumBytes };
    const args = decoderArguments(limits, temporaryPath);
    const finished = await withInput(input, (file) => runProcess({ command, args, stdin: file.fd, signal, timeoutMs }));
    if (finished.exitSignal !== null) throw new FfmpegFailedError({ command, ...finished });
    if (finished.exitCode !== 0) throw new SpeechDamagedError(finished.stderr);
    const sampleCount = await countSamples(temporaryPath);
    const seconds = sampleCount / SPEECH_SAMPLE_RATE;
    assertWhole(source, seconds);
    assertLength(seconds, limits);
    const raisedDb = await raiseQuietSpeech(temporaryPath);
    await rename(temporaryPath, outputPath);
    return { sampleCount, seconds, raisedDb, source };
  } catch (error) {
    await rm(temporaryPath, { force: true });
    throw error;
  }
}

async function countSamples(path: string): Promise<number> {
  const speech = await SpeechFile.open(path);
  await speech.close();
  return speech.sampleCount;
}

/** Returns by how many decibels the file's speech was raised. A click that is far louder than the speech is clipped. */
async function raiseQuietSpeech(path: string): Promise<number> {
  const samples = await readSpeech(path);
  const raisedDb = LEAST_SPEECH_LEVEL - speechLevel(samples);
  if (raisedDb <= 0 || measureSpeech(samples).silent) return 0;
  const factor = 10 ** (raisedDb / 20);
  await writeSpeech(
    path,
    samples.map((sample) => Math.max(-32_768, Math.min(Math.round(sample * factor), 32_767))),
  );
  return raisedDb;
}
