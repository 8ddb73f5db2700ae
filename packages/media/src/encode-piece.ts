import { rename, rm, stat } from 'node:fs/promises';
import { FRAMES_PER_SECOND } from '@farm/contracts';
import { MediaError } from './media-error.js';
import type { CallOptions, MediaTools } from './media-tools.js';
import { type FinishedProcess, failedError, runProcess } from './run-process.js';

/** Ticks a second of every piece and video: 512 a frame. Equal everywhere, so that joining copies timestamps exactly. */
export const VIDEO_TIMESCALE = 12_800;

export interface EncodePieceOptions extends CallOptions {
  /** The FIFO from `makeFifo` that the engine writes `frameCount * width * height * 3` bytes of RGB24 into. */
  fifoPath: string;
  /** An MP4, written under another name and renamed when it is whole. */
  outputPath: string;
  width: number;
  height: number;
  frameCount: number;
}

export interface EncodedPiece {
  /** SHA-256, in hex, of the RGB24 frames as they came in: the identity of the content. */
  sha256: string;
  frameCount: number;
  /** Size of the file. */
  bytes: number;
}

// Everything that decides about a byte of the file is pinned: the same frames give the same file, and all pieces share
// one stream header, which is what lets them be joined by stream copy. One thread, because x264's rate control sees other
// frames with several. No B-frames: they shift timestamps at every border. BT.709, limited range, said and done.
const VIDEO_ENCODING = [
  ...[
    '-vf',
    'scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int+bitexact,format=yuv420p',
  ],
  ...['-c:v', 'libx264', '-preset', 'fast', '-crf', '17', '-profile:v', 'high', '-threads', '1'],
  ...['-x264-params', 'keyint=infinite:scenecut=0:open-gop=0:bframes=0:stitchable=1'],
  ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'],
  ...['-flags:v', '+bitexact+cgop', '-fflags', '+bitexact', '-map_metadata', '-1'],
  ...['-fps_mode', 'passthrough', '-video_track_timescale', String(VIDEO_TIMESCALE)],
];

function encoderArguments(options: EncodePieceOptions, temporaryPath: string): string[] {
  const { fifoPath, width, height } = options;
  return [
    ...['-nostdin', '-hide_banner', '-v', 'error', '-y', '-filter_threads', '1', '-progress', 'pipe:3'],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${width}x${height}`],
    ...['-framerate', String(FRAMES_PER_SECOND), '-i', `file:${fifoPath}`],
    ...['-map', '0:v', ...VIDEO_ENCODING, '-f', 'mp4', `file:${temporaryPath}`],
    ...['-map', '0:v', '-c:v', 'rawvideo', '-fps_mode', 'passthrough', '-f', 'hash', '-hash', 'sha256', 'pipe:1'],
  ];
}

function framesIn(finished: FinishedProcess): number {
  const reports = [...finished.progress.matchAll(/^frame=\s*(\d+)$/gm)];
  return Number(reports.at(-1)?.[1] ?? 0);
}

function assertFrameCount(finished: FinishedProcess, frameCount: number): void {
  const seen = framesIn(finished);
  if (seen === frameCount) return;
  const code = seen < frameCount ? 'piece-incomplete' : 'piece-overlong';
  const message = `The piece has ${frameCount} frames, but ${seen} whole ones came through its FIFO; nothing was kept. The engine that wrote them has ended early or miscounted.`;
  throw new MediaError(code, message, { data: { frameCount, seen } });
}

/**
 * Encodes one piece in one encoder run, as H.264 yuv420p at 25 frames a second, and hashes the frames on the way. Start
 * it before the engine opens the FIFO; it ends when the engine closes it. A writer that never comes is for the caller
 * to notice: there is no time limit unless `timeoutMs` sets one.
 *
 * @throws MediaError `piece-incomplete`, `piece-overlong`, `ffmpeg-failed`, `ffmpeg-missing`, `ffmpeg-timeout`
 */
export async function encodePiece(tools: MediaTools, options: EncodePieceOptions): Promise<EncodedPiece> {
  const { outputPath, frameCount, signal, timeoutMs = 2 ** 31 - 1 } = options;
  const temporaryPath = `${outputPath}.part`;
  try {
    const args = encoderArguments(options, temporaryPath);
    const finished = await runProcess({ command: tools.ffmpegPath, args, signal, timeoutMs });
    // Without a single frame the encoder fails too; that the frames are missing says more.
    if (finished.exitCode === 0 || (finished.exitSignal === null && framesIn(finished) === 0)) {
      assertFrameCount(finished, frameCount);
    }
    if (finished.exitCode !== 0) throw failedError(tools.ffmpegPath, finished);
    const sha256 = /^SHA256=([0-9a-f]{64})$/m.exec(finished.stdout.toString('ascii'))?.[1];
    if (sha256 === undefined) throw failedError(tools.ffmpegPath, finished);
    const { size } = await stat(temporaryPath);
    await rename(temporaryPath, outputPath);
    return { sha256, frameCount, bytes: size };
  } catch (error) {
    await rm(temporaryPath, { force: true });
    throw error;
  }
}
