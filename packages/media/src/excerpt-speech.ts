import { SPEECH_SAMPLE_RATE } from '@farm/contracts';
import type { CallOptions, MediaTools } from './media-tools.js';
import { STANDARD_INPUT, withInput } from './probe.js';
import { AUDIO_FORMATS, damaged } from './probe-audio.js';
import { failedError, runProcess } from './run-process.js';

export interface ExcerptSpeechOptions extends CallOptions {
  inputPath: string;
  /** Length of the excerpt from the beginning; 16 kHz mono, so 32 kB a second. */
  seconds: number;
}

/**
 * The first seconds of a recording as engines would hear them.
 *
 * @throws MediaError `speech-unreadable` where it does not decode
 */
export async function excerptSpeech(tools: MediaTools, options: ExcerptSpeechOptions): Promise<Int16Array> {
  const { inputPath, seconds, ...call } = options;
  const finished = await withInput(inputPath, 'speech recording', Number.POSITIVE_INFINITY, (file) =>
    runProcess({
      command: tools.ffmpegPath,
      args: [
        ...['-nostdin', '-hide_banner', '-v', 'error', '-threads', '1', '-filter_threads', '1'],
        ...['-protocol_whitelist', 'file', '-format_whitelist', AUDIO_FORMATS, '-i', STANDARD_INPUT],
        ...['-map', '0:a:0', '-t', String(seconds), '-ac', '1', '-ar', String(SPEECH_SAMPLE_RATE)],
        ...['-f', 's16le', '-protocol_whitelist', 'pipe', 'pipe:1'],
      ],
      stdin: file.fd,
      maximumOutputBytes: (seconds + 1) * SPEECH_SAMPLE_RATE * 2,
      ...call,
    }),
  );
  if (finished.exitSignal !== null) throw failedError(tools.ffmpegPath, finished);
  if (finished.exitCode !== 0) throw damaged(finished.stderr);
  const { buffer, byteOffset, length } = finished.stdout;
  return new Int16Array(buffer.slice(byteOffset, byteOffset + length - (length % 2)));
}
