import { SpeechFile, writeSpeech } from './wav.js';

export interface CutSpeechOptions {
  /** A WAV from `decodeSpeech`. */
  speechPath: string;
  outputPath: string;
  /** The segment's samples; it may end after the recording, since a segment is a whole number of frames. */
  firstSample: number;
  sampleCount: number;
  /** Samples to include before and after the segment, as far as the recording has them. */
  marginSamples: number;
}

/** How many of the samples written come before the segment, and how many belong to it. */
export interface SpeechCut {
  marginBefore: number;
  sampleCount: number;
}

/**
 * Writes the speech of one segment with a margin on both sides, the same whatever the rest of the recording holds.
 * Only samples of the recording are written: silence before its beginning would be heard by the frames after it.
 */
export async function cutSpeech(options: CutSpeechOptions): Promise<SpeechCut> {
  const { speechPath, outputPath, firstSample, sampleCount, marginSamples } = options;
  const speech = await SpeechFile.open(speechPath);
  try {
    const first = Math.max(firstSample - marginSamples, 0);
    const end = Math.min(firstSample + sampleCount + marginSamples, speech.sampleCount);
    await writeSpeech(outputPath, await speech.read(first, end - first));
    return {
      marginBefore: firstSample - first,
      sampleCount: Math.min(sampleCount, speech.sampleCount - firstSample),
    };
  } finally {
    await speech.close();
  }
}
