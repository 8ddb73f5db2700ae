import type { ToolchainContext } from './context.js';
import { FfmpegTooOldError, H264EncoderMissingError } from './errors.js';
import { type DistributionProgram, obtainDistributionProgram } from './obtain-distribution-program.js';
import { runCommand } from './run-command.js';

export interface FfmpegPrograms {
  readonly ffmpeg: string;
  readonly ffprobe: string;
}

const SHARED = {
  debian: { package: 'ffmpeg', programs: ['ffmpeg', 'ffprobe'], versionArgument: '-version' },
  remedy:
    'Install it with `brew install ffmpeg` (macOS), `sudo dnf install ffmpeg` from RPM Fusion (Fedora), ' +
    '`sudo pacman -S ffmpeg` (Arch) or `sudo apt-get install ffmpeg` (Debian, Ubuntu)',
} as const;

const FFMPEG: DistributionProgram = { tool: 'ffmpeg', names: ['ffmpeg'], override: 'FARM_FFMPEG', ...SHARED };
const FFPROBE: DistributionProgram = { tool: 'ffprobe', names: ['ffprobe'], override: 'FARM_FFPROBE', ...SHARED };

/** The oldest release that the tests have passed on. Ubuntu 22.04 has 4.4. */
const OLDEST_VERSION = [4, 2] as const;

/** Builds from git have no release in their version, and are accepted. */
async function requireVersion(context: ToolchainContext, ffmpeg: string): Promise<void> {
  const text = await runCommand({ command: ffmpeg, args: ['-version'], environment: context.environment });
  const [, release, major, minor] = /^ffmpeg version n?((\d+)\.(\d+)\S*)/.exec(text) ?? [];
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (release === undefined || Number(major) > oldestMajor) return;
  if (Number(major) === oldestMajor && Number(minor) >= oldestMinor) return;
  throw new FfmpegTooOldError(ffmpeg, release, OLDEST_VERSION.join('.'));
}

/** Some distributions (Fedora's ffmpeg-free) leave out the encoder that the farm makes every video with. */
async function requireH264Encoder(context: ToolchainContext, ffmpeg: string): Promise<void> {
  const args = ['-hide_banner', '-v', 'error', '-encoders'];
  const encoders = await runCommand({ command: ffmpeg, args, environment: context.environment });
  if (!encoders.includes('libx264')) throw new H264EncoderMissingError(ffmpeg, SHARED.remedy);
}

/** The paths of ffmpeg and ffprobe (FARM_FFMPEG and FARM_FFPROBE override). @throws ToolMissingError. */
export async function obtainFfmpeg(context: ToolchainContext): Promise<FfmpegPrograms> {
  const ffmpeg = await obtainDistributionProgram(context, FFMPEG);
  await requireVersion(context, ffmpeg);
  await requireH264Encoder(context, ffmpeg);
  return { ffmpeg, ffprobe: await obtainDistributionProgram(context, FFPROBE) };
}
