import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { STANDARD_INPUT } from './input-file.js';
import type { CallOptions, MediaTools } from './media-tools.js';
import { runProcess } from './run-process.js';

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

interface FfprobeQuestion extends CallOptions {
  file: FileHandle;
  /** What to show of it. */
  args: readonly string[];
}

/** Asks ffprobe about an open file. A file that it cannot make sense of is a result (`undefined`), not an error. */
export async function askFfprobe(
  tools: MediaTools,
  { file, args, ...options }: FfprobeQuestion,
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
