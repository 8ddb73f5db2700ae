import { stat } from 'node:fs/promises';
import { MediaError } from './media-error.js';
import type { CallOptions, MediaTools } from './media-tools.js';
import { askFfprobe, withInput } from './probe.js';

export interface VideoFacts {
  width: number;
  height: number;
  frameCount: number;
  /** Of the video stream. */
  seconds: number;
  framesPerSecond: number;
  videoCodec: string;
  pixelFormat: string;
  audioCodec: string | undefined;
  audioSeconds: number | undefined;
  /** Size of the file. */
  bytes: number;
}

/** Reads what a video of the farm is, counting its frames. @throws MediaError `video-mismatch` for anything else */
export async function probeVideo(tools: MediaTools, path: string, options: CallOptions = {}): Promise<VideoFacts> {
  const answer = await withInput(path, 'video', Number.POSITIVE_INFINITY, (file) =>
    askFfprobe(tools, file, ['-show_streams', '-count_packets'], options),
  );
  const video = answer?.streams.find(({ codec_type: type }) => type === 'video');
  const audio = answer?.streams.find(({ codec_type: type }) => type === 'audio');
  if (video?.width === undefined || video.height === undefined || video.codec_name === undefined) {
    throw new MediaError('video-mismatch', `${path} has no video stream that ffprobe can read.`, { data: { path } });
  }
  const [numerator = 0, denominator = 1] = (video.r_frame_rate ?? '').split('/').map(Number);
  return {
    width: video.width,
    height: video.height,
    frameCount: video.nb_read_packets ?? 0,
    seconds: video.duration ?? 0,
    framesPerSecond: numerator / denominator,
    videoCodec: video.codec_name,
    pixelFormat: video.pix_fmt ?? 'unknown',
    audioCodec: audio?.codec_name,
    audioSeconds: audio?.duration,
    bytes: (await stat(path)).size,
  };
}
