/** Frames per second of every video the farm makes. */
export const FRAMES_PER_SECOND = 25;
/** Sample rate, in hertz, of the speech that engines see: exactly 640 samples per frame. */
export const SPEECH_SAMPLE_RATE = 16_000;
export const SAMPLES_PER_FRAME = SPEECH_SAMPLE_RATE / FRAMES_PER_SECOND;
/** Frames denoised together (three latent frames). */
export const FRAMES_PER_BLOCK = 12;
/** Live Avatar's clip: 1.92 s. */
export const DEFAULT_FRAMES_PER_CLIP = 48;
/** Both sides of every video are multiples of this many pixels. */
export const SIDE_MULTIPLE = 64;
/**
 * Speech, in samples, that an engine may look at on either side of a segment (0.48 s). It is all the context
 * there is: editing the recording further away does not change the segment's frames.
 */
export const SPEECH_MARGIN_SAMPLES = 12 * SAMPLES_PER_FRAME;

/** Frames of a recording, the last one begun included; a hundredth of a frame is a rounding of the container. */
export const framesOfSpeech = (seconds: number): number => Math.max(1, Math.ceil(seconds * FRAMES_PER_SECOND - 0.01));
