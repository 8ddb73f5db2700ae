import { SpeechTooLongError, SpeechTooShortError } from './errors.js';

export interface SpeechLimits {
  maximumBytes: number;
  maximumSeconds: number;
  minimumSeconds: number;
}

export const defaultSpeechLimits: SpeechLimits = { maximumBytes: 2e9, maximumSeconds: 4 * 3600, minimumSeconds: 0.2 };

/** @throws SpeechTooLongError, SpeechTooShortError */
export function assertLength(seconds: number, limits: SpeechLimits): void {
  if (seconds > limits.maximumSeconds) throw new SpeechTooLongError({ seconds, ...limits });
  if (seconds < limits.minimumSeconds) throw new SpeechTooShortError({ seconds, ...limits });
}
