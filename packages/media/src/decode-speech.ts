import { rename, rm } from 'node:fs/promises';
import { SPEECH_SAMPLE_RATE } from '@farm/contracts';
import type { CallOptions, MediaTools } from './media-tools.js';
import { STANDARD_INPUT, withInput } from './probe.js';
import {
  AUDIO_FORMATS,
  type AudioFacts,
  type AudioLimits,
  assertLength,
  assertWhole,
  damaged,
  defaultAudioLimits,
  probeAudio,
} from './probe-audio.js';
import { failedError, runProcess } from './run-process.js';
import { SpeechFile } from './wav.js';

const DECODE_TIMEOUT_MS = 600_000;

export interface DecodedSpeech {
  sampleCount: number;
  seconds: number;
  source: AudioFacts;
}

export interface DecodeSpeechOptions extends CallOptions {
  inputPath: string;
  /** Mono 16-bit WAV at 16 kHz. */
  outputPath: string;
  limits?: AudioLimits;
}

function decoderArguments(limits: AudioLimits, outputPath: string): string[] {
  return [
    ...['-nostdin', '-hide_banner', '-v', 'error', '-y', '-filter_threads', '1'],
    ...['-protocol_whitelist', 'file', '-format_whitelist', AUDIO_FORMATS, '-i', STANDARD_INPUT],
    // One second more than is allowed: enough to see that it is too long.
    ...['-map', '0:a:0', '-t', String(limits.maximumSeconds + 1), '-ac', '1', '-ar', String(SPEECH_SAMPLE_RATE)],
    ...['-c:a', 'pcm_s16le', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'],
    ...['-f', 'wav', `file:${outputPath}`],
  ];
}

/**
 * Judges a recording and decodes it to the samples that engines see; the same file gives the same samples.
 *
 * @throws MediaError as `probeAudio`, and `speech-incomplete` where less sound comes out than the container announces
 */
export async function decodeSpeech(tools: MediaTools, options: DecodeSpeechOptions): Promise<DecodedSpeech> {
  const { inputPath, outputPath, limits = defaultAudioLimits, signal, timeoutMs = DECODE_TIMEOUT_MS } = options;
  const source = await probeAudio(tools, inputPath, { limits, signal });
  const temporaryPath = `${outputPath}.part`;
  try {
    const finished = await withInput(inputPath, 'speech recording', limits.maximumBytes, (file) =>
      runProcess({
        command: tools.ffmpegPath,
        args: decoderArguments(limits, temporaryPath),
        stdin: file.fd,
        signal,
        timeoutMs,
      }),
    );
    if (finished.exitSignal !== null) throw failedError(tools.ffmpegPath, finished);
    if (finished.exitCode !== 0) throw damaged(finished.stderr);
    const sampleCount = await countSamples(temporaryPath);
    const seconds = sampleCount / SPEECH_SAMPLE_RATE;
    assertWhole(source, seconds);
    assertLength(seconds, limits);
    await rename(temporaryPath, outputPath);
    return { sampleCount, seconds, source };
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
