import { SpeechFile, writeSpeech } from './wav.js';

export interface CutSpeechOptions {
  /** A WAV from `decodeSpeech`. */
  speechPath: string;
  outputPath: string;
  /** The segment's samples. Past the end of the recording they are silence: a segment is a whole number of frames. */
  firstSample: number;
  sampleCount: number;
  /** Samples included before and after the segment; outside the recording they are silence. */
  marginSamples: number;
}

/**
 * Writes the speech of one segment with a margin on both sides: always `marginSamples + sampleCount + marginSamples`
 * samples, the same whatever the rest of the recording holds.
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
