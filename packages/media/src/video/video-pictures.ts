import { rename, rm } from 'node:fs/promises';
import { FRAMES_PER_SECOND } from '@farm/contracts';
import type { CallOptions, MediaTools } from '../programs/media-tools.js';
import { runToSuccess } from '../programs/run-process.js';
import { probeVideo } from './probe-video.js';

async function writePicture(
  tools: MediaTools,
  options: CallOptions & { seekSeconds?: number; videoPath: string; filter: string; outputPath: string },
): Promise<void> {
  const { seekSeconds = 0, videoPath, filter, outputPath, signal, timeoutMs } = options;
  const temporaryPath = `${outputPath}.part`;
  const args = [
    ...['-nostdin', '-hide_banner', '-v', 'error', '-y', '-ss', String(seekSeconds), '-i', `file:${videoPath}`],
    ...['-an', '-vf', filter, '-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'],
    ...['-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-f', 'image2', '-update', '1'],
    `file:${temporaryPath}`,
  ];
  try {
    await runToSuccess({ command: tools.ffmpegPath, args, signal, timeoutMs });
    await rename(temporaryPath, outputPath);
  } finally {
    await rm(temporaryPath, { force: true });
  }
}

/** Writes one frame, counted from 0, as a JPEG. */
export async function posterFrame(
  tools: MediaTools,
  options: CallOptions & { videoPath: string; outputPath: string; frame?: number },
): Promise<void> {
  const { frame = 0, ...rest } = options;
  // Half a frame early: the seek stops at the first frame at or after that time.
  const seekSeconds = Math.max(frame - 0.5, 0) / FRAMES_PER_SECOND;
  await writePicture(tools, { ...rest, seekSeconds, filter: 'null' });
}

/** Writes `count` frames, spread evenly over the video, side by side as one JPEG. */
export async function contactSheet(
  tools: MediaTools,
  options: CallOptions & { videoPath: string; outputPath: string; count: number; columns?: number; tileWidth?: number },
): Promise<void> {
  const { count, tileWidth = 240, ...rest } = options;
  const { frameCount } = await probeVideo(tools, options.videoPath, { signal: options.signal });
  const shown = Math.min(count, frameCount);
  const columns = Math.min(options.columns ?? Math.ceil(Math.sqrt(shown)), shown);
  const rows = Math.ceil(shown / columns);
  // Frame n is shown when it is the first of its share of the video.
  const first = `eq(n,0)+gt(floor(n*${shown}/${frameCount}),floor((n-1)*${shown}/${frameCount}))`;
  const filter = `select='${first}',scale=${tileWidth}:-2,tile=${columns}x${rows}:nb_frames=${shown}`;
  await writePicture(tools, { ...rest, filter });
}
