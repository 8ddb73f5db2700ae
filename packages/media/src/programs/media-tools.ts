/** Where the system's programs are: paths, or names found on the PATH. ffmpeg 4.2 or later. */
export interface MediaTools {
  ffmpegPath: string;
  ffprobePath: string;
}

export interface CallOptions {
  /** An aborted call kills its process, removes the files it wrote and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}
