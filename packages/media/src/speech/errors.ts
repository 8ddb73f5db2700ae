import { MediaError } from '../media-error.js';

/** A length in seconds, and the limits it breaks. */
interface SpeechLength {
  seconds: number;
  maximumBytes: number;
  maximumSeconds: number;
  minimumSeconds: number;
}

export class SpeechTooLongError extends MediaError {
  constructor(length: SpeechLength) {
    const { seconds, maximumSeconds } = length;
    const message =
      `The speech lasts ${seconds.toFixed(1)} s; at most ${maximumSeconds} s are accepted. ` +
      'Split it into several jobs.';
    super('speech-too-long', message, { data: { ...length } });
  }
}

export class SpeechTooShortError extends MediaError {
  constructor(length: SpeechLength) {
    const { seconds, minimumSeconds } = length;
    const message =
      `The speech lasts ${seconds.toFixed(3)} s; at least ${minimumSeconds} s are needed. ` +
      'Send a longer recording.';
    super('speech-too-short', message, { data: { ...length } });
  }
}

export class SpeechUnreadableError extends MediaError {
  constructor() {
    const message =
      'The speech recording cannot be read: it is not an audio file, or its beginning or end is missing. ' +
      'Send WAV, FLAC, MP3, M4A or Ogg.';
    super('speech-unreadable', message);
  }
}

/** The container can be read, its sound cannot. */
export class SpeechDamagedError extends MediaError {
  constructor(stderr: string) {
    const message = 'The speech recording is damaged and cannot be decoded. Export it again, as WAV if you can.';
    super('speech-unreadable', message, { data: { stderr } });
  }
}

export class SpeechIncompleteError extends MediaError {
  constructor(announced: number, present: number, unit: 'bytes' | 's') {
    const digits = unit === 's' ? 2 : 0;
    const message =
      `The speech recording is cut off: it announces ${announced.toFixed(digits)} ${unit} of sound and holds ` +
      `${present.toFixed(digits)}. Send the complete file.`;
    super('speech-incomplete', message, { data: { announced, present, unit } });
  }
}

/** @param sampleRate in Hz, the only one that is read */
export class WavUnsupportedError extends MediaError {
  constructor(path: string, sampleRate: number) {
    const message = `${path} is not a complete mono 16-bit WAV at ${sampleRate} Hz. Decode it with decodeSpeech first.`;
    super('wav-unsupported', message, { data: { path } });
  }
}
