import { access, open, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FRAMES_PER_SECOND } from '@farm/contracts';
import { STANDARD_INPUT } from '../programs/input-file.js';
import type { CallOptions, MediaTools } from '../programs/media-tools.js';
import { runToSuccess } from '../programs/run-process.js';
import { probeSpeech, SPEECH_FORMATS } from '../speech/probe-speech.js';
import { VIDEO_TIMESCALE } from './encode-piece.js';
import { PieceMissingError, VideoMismatchError } from './errors.js';
import { probeVideo, type VideoFacts } from './probe-video.js';

const ASSEMBLE_TIMEOUT_MS = 1_800_000;

export interface AssembleVideoOptions extends CallOptions {
  /** Pieces from `encodePiece`, in order. */
  piecePaths: readonly string[];
  /** The speech as the person sent it, in any format that `probeSpeech` accepts. */
  speechPath: string;
  outputPath: string;
  /** Frames of all pieces together; the speech is cut, or filled with silence, to their length. */
  frameCount: number;
}

// For the concat demuxer, a quote inside a quoted name is written as '\''.
const listEntry = (path: string): string => `file 'file:${resolve(path).replaceAll("'", "'\\''")}'`;

function assembleArguments(
  options: AssembleVideoOptions & { listPath: string; temporaryPath: string; channels: number },
) {
  const seconds = options.frameCount / FRAMES_PER_SECOND;
  return [
    ...['-nostdin', '-hide_banner', '-v', 'error', '-y', '-filter_threads', '1'],
    ...['-f', 'concat', '-safe', '0', '-protocol_whitelist', 'file', '-i', `file:${options.listPath}`],
    ...['-protocol_whitelist', 'file', '-format_whitelist', SPEECH_FORMATS, '-i', STANDARD_INPUT],
    ...['-map', '0:v:0', '-c:v', 'copy', '-map', '1:a:0', '-c:a', 'aac', '-b:a', '160k', '-ar', '48000'],
    ...['-ac', String(Math.min(options.channels, 2))],
    ...['-af', `aresample=48000,apad=whole_dur=${seconds},atrim=end=${seconds}`],
    ...['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'],
    ...['-video_track_timescale', String(VIDEO_TIMESCALE), '-movflags', '+faststart', '-f', 'mp4'],
    `file:${options.temporaryPath}`,
  ];
}

/**
 * Joins pieces by stream copy, adds the speech as AAC, and checks the result: frames, size, codecs, and both lengths to
 * within a frame.
 *
 * @throws PieceMissingError, VideoMismatchError, FfmpegFailedError; MediaError as `probeSpeech`
 */
export async function assembleVideo(tools: MediaTools, options: AssembleVideoOptions): Promise<VideoFacts> {
  const { piecePaths, speechPath, outputPath, signal, timeoutMs = ASSEMBLE_TIMEOUT_MS } = options;
  await assertPieces(piecePaths);
  const { channels } = await probeSpeech(tools, speechPath, { signal });
  const temporaryPath = `${outputPath}.part`;
  const listPath = `${outputPath}.pieces`;
  const speech = await open(speechPath, 'r');
  try {
    await writeFile(listPath, ['ffconcat version 1.0', ...piecePaths.map(listEntry), ''].join('\n'));
    const args = assembleArguments({ ...options, listPath, temporaryPath, channels });
    await runToSuccess({ command: tools.ffmpegPath, args, stdin: speech.fd, signal, timeoutMs });
    const facts = await probeVideo(tools, temporaryPath, { signal });
    assertAssembled(facts, options.frameCount);
    await rename(temporaryPath, outputPath);
    return facts;
  } finally {
    await speech.close();
    await rm(temporaryPath, { force: true });
    await rm(listPath, { force: true });
  }
}

// The concat demuxer silently skips a file that it cannot open.
async function assertPieces(piecePaths: readonly string[]): Promise<void> {
  for (const path of piecePaths) {
    await access(path).catch((cause: unknown) => {
      throw new PieceMissingError(path, cause);
    });
  }
}

function assertAssembled(facts: VideoFacts, frameCount: number): void {
  const seconds = frameCount / FRAMES_PER_SECOND;
  const frame = 1 / FRAMES_PER_SECOND;
  const faults = [
    facts.frameCount !== frameCount && `${facts.frameCount} frames instead of ${frameCount}`,
    Math.abs(facts.seconds - seconds) > frame / 2 && `${facts.seconds} s of video instead of ${seconds}`,
    Math.abs((facts.audioSeconds ?? 0) - seconds) > frame &&
      `${facts.audioSeconds ?? 0} s of sound instead of ${seconds}`,
    facts.videoCodec !== 'h264' && `video codec ${facts.videoCodec} instead of h264`,
    facts.audioCodec !== 'aac' && `audio codec ${facts.audioCodec} instead of aac`,
    facts.pixelFormat !== 'yuv420p' && `pixel format ${facts.pixelFormat} instead of yuv420p`,
    facts.framesPerSecond !== FRAMES_PER_SECOND && `${facts.framesPerSecond} frames per second`,
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new VideoMismatchError(faults, facts);
}
