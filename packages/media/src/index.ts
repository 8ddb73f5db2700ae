export { type AssembleVideoOptions, assembleVideo } from './assemble-video.js';
export { type CutSpeechOptions, cutSpeech } from './cut-speech.js';
export { type DecodedPortrait, type DecodePortraitOptions, decodePortrait } from './decode-portrait.js';
export { type DecodedSpeech, type DecodeSpeechOptions, decodeSpeech } from './decode-speech.js';
export { type EncodedPiece, type EncodePieceOptions, encodePiece, VIDEO_TIMESCALE } from './encode-piece.js';
export { type ExcerptSpeechOptions, excerptSpeech } from './excerpt-speech.js';
export { type FindCutsOptions, findCuts, frameCountOf, type SegmentRange } from './find-cuts.js';
export { makeFifos } from './make-fifo.js';
export { measureSpeech, type SpeechMeasure } from './measure-speech.js';
export { MediaError, type MediaErrorCode } from './media-error.js';
export type { CallOptions, MediaTools } from './media-tools.js';
export {
  type AudioFacts,
  type AudioLimits,
  assertLength,
  assertWhole,
  defaultAudioLimits,
  probeAudio,
} from './probe-audio.js';
export {
  defaultImageLimits,
  type ImageFacts,
  type ImageLimits,
  type Orientation,
  probeImage,
  uprightSize,
} from './probe-image.js';
export { probeVideo, type VideoFacts } from './probe-video.js';
export { contactSheet, posterFrame } from './video-pictures.js';
export { readSpeech, writeSpeech } from './wav.js';
