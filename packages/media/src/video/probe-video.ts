import { stat } from 'node:fs/promises';
import { askFfprobe } from '../programs/ffprobe.js';
import { withInput } from '../programs/input-file.js';
import type { CallOptions, MediaTools } from '../programs/media-tools.js';
import { VideoUnreadableError } from './errors.js';

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

/** Reads the facts of a video that the farm made, counting its frames. @throws VideoUnreadableError for anything else */
export async function probeVideo(tools: MediaTools, path: string, options: CallOptions = {}): Promise<VideoFacts> {
  const args = ['-show_streams', '-count_packets'];
  const answer = await withInput({ path, what: 'video' }, (file) => askFfprobe(tools, { file, args, ...options }));
  const video = answer?.streams.find(({ codec_type: type }) => type === 'video');
  const audio = answer?.streams.find(({ codec_type: type }) => type === 'audio');
  if (video?.width === undefined || video.height === undefined || video.codec_name === undefined) {
    throw new VideoUnreadableError(path);
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
