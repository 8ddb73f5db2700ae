import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { MediaError } from './media-error.js';
import type { CallOptions, MediaTools } from './media-tools.js';
import { runProcess } from './run-process.js';

/** How a program reads the file that is its standard input: with seeking, and without ever seeing its name. */
export const STANDARD_INPUT = 'file:/dev/fd/0';
const PROBE_TIMEOUT_MS = 20_000;

const Numeric = z.coerce.number();

const ProbeAnswer = z.object({
  format: z.object({ format_name: z.string(), duration: Numeric.optional() }).optional(),
  streams: z
    .array(
      z.object({
        codec_type: z.string().optional(),
        codec_name: z.string().optional(),
        profile: z.string().optional(),
        width: z.int().optional(),
        height: z.int().optional(),
        pix_fmt: z.string().optional(),
        sample_rate: Numeric.optional(),
        channels: z.int().optional(),
        duration: Numeric.optional(),
        nb_read_packets: Numeric.optional(),
        r_frame_rate: z.string().optional(),
        color_range: z.string().optional(),
        color_space: z.string().optional(),
      }),
    )
    .default([]),
  packets_and_frames: z
    .array(
      z.object({
        width: z.int().optional(),
        height: z.int().optional(),
        pix_fmt: z.string().optional(),
        tags: z.record(z.string(), z.string()).optional(),
      }),
    )
    .default([]),
});
export type ProbeAnswer = z.infer<typeof ProbeAnswer>;
export type ProbedStream = ProbeAnswer['streams'][number];

/** Asks ffprobe about an open file. A file that it cannot make sense of is an answer (`undefined`), not an error. */
export async function askFfprobe(
  tools: MediaTools,
  file: FileHandle,
  args: readonly string[],
  options: CallOptions = {},
): Promise<ProbeAnswer | undefined> {
  const finished = await runProcess({
    command: tools.ffprobePath,
    args: ['-v', 'error', '-protocol_whitelist', 'file', '-of', 'json', ...args, '-i', STANDARD_INPUT],
    stdin: file.fd,
    timeoutMs: PROBE_TIMEOUT_MS,
    ...options,
  });
  if (finished.exitCode !== 0) return undefined;
  return ProbeAnswer.parse(JSON.parse(finished.stdout.toString('utf8')));
}

/**
 * Opens an input, refuses an empty or a too large one, and closes it after `use`.
 *
 * @throws MediaError `media-empty`, `media-too-large`
 */
export async function withInput<Result>(
  path: string,
  what: string,
  maximumBytes: number,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) throw new MediaError('media-empty', `The ${what} is empty (0 bytes). Send the file again.`);
    if (size > maximumBytes) {
      const message = `The ${what} has ${megabytes(size)} MB; at most ${megabytes(maximumBytes)} are taken. Send a smaller file.`;
      throw new MediaError('media-too-large', message, { data: { bytes: size, maximumBytes } });
    }
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Up to `length` bytes, wherever the descriptor stands: programs that share it move it. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
