/** One clip's encoded frames, committed in frame order; frames count from the start of the segment. */
export interface PieceRecord {
  firstFrame: number;
  frameCount: number;
  key: string;
  bytes: number;
  /** SHA-256 of the RGB24 frames. */
  rawSha256: string;
  fileSha256: string;
  attemptId: string;
  engineVersion?: string;
  stateKey?: string;
  stateSha256?: string;
}
