import { SpeechFile, writeSpeech } from './wav.js';

export interface CutSpeechOptions {
  /** A WAV from `decodeSpeech`. */
  speechPath: string;
  outputPath: string;
  /** The segment's samples. Those behind the recording's end are silence: a segment is a whole number of frames. */
  firstSample: number;
  sampleCount: number;
  /** Samples before and behind the segment that come along; outside the recording they are silence. */
  marginSamples: number;
}

/**
 * Writes the speech of one segment with a margin on both sides: always `marginSamples + sampleCount + marginSamples`
 * samples, the same ones whatever lies further away in the recording.
 */
export async function cutSpeech(options: CutSpeechOptions): Promise<{ marginBefore: number; sampleCount: number }> {
  const { speechPath, outputPath, firstSample, sampleCount, marginSamples } = options;
  const speech = await SpeechFile.open(speechPath);
  try {
    const samples = await speech.read(firstSample - marginSamples, marginSamples + sampleCount + marginSamples);
    await writeSpeech(outputPath, samples);
    return { marginBefore: marginSamples, sampleCount };
  } finally {
    await speech.close();
  }
}
