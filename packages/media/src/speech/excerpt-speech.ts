import { SPEECH_SAMPLE_RATE } from '@farm/contracts';
import { FfmpegFailedError } from '../programs/errors.js';
import { STANDARD_INPUT, withInput } from '../programs/input-file.js';
import type { CallOptions, MediaTools } from '../programs/media-tools.js';
import { runProcess } from '../programs/run-process.js';
import { SpeechDamagedError } from './errors.js';
import { SPEECH_FORMATS } from './probe-speech.js';

export interface ExcerptSpeechOptions extends CallOptions {
  inputPath: string;
  /** Length of the excerpt from the beginning; 16 kHz mono, so 32 kB per second. */
  seconds: number;
}

/**
 * The first seconds of a recording as engines would hear them.
 *
 * @throws SpeechDamagedError where it cannot be decoded
 */
export async function excerptSpeech(tools: MediaTools, options: ExcerptSpeechOptions): Promise<Int16Array> {
  const { inputPath, seconds, ...call } = options;
  const command = tools.ffmpegPath;
  const args = [
    ...['-nostdin', '-hide_banner', '-v', 'error', '-threads', '1', '-filter_threads', '1'],
    ...['-protocol_whitelist', 'file', '-format_whitelist', SPEECH_FORMATS, '-i', STANDARD_INPUT],
    ...['-map', '0:a:0', '-t', String(seconds), '-ac', '1', '-ar', String(SPEECH_SAMPLE_RATE)],
    ...['-f', 's16le', '-protocol_whitelist', 'pipe', 'pipe:1'],
  ];
  const maximumOutputBytes = (seconds + 1) * SPEECH_SAMPLE_RATE * 2;
  const finished = await withInput({ path: inputPath, what: 'speech recording' }, (file) =>
    runProcess({ command, args, stdin: file.fd, maximumOutputBytes, ...call }),
  );
  if (finished.exitSignal !== null) throw new FfmpegFailedError({ command, ...finished });
  if (finished.exitCode !== 0) throw new SpeechDamagedError(finished.stderr);
  const { buffer, byteOffset, length } = finished.stdout;
  return new Int16Array(buffer.slice(byteOffset, byteOffset + length - (length % 2)));
}
