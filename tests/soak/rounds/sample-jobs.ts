import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobSpec } from '@farm/contracts';
import { sampleSpeech } from '@farm/local-farm';
import { obtainFfmpeg, type ToolchainContext } from '@farm/toolchain';

const run = promisify(execFile);

/** A job that every round of its kind submits: the same spec and seed give the same frames. */
export interface SampleJob {
  readonly name: string;
  readonly speechPath: string;
  readonly spec: JobSpec;
}

const SECONDS = 1.8;
/** Of a job that is still being rendered when its second piece is committed. */
const LONGER_SECONDS = 8;

const spec: JobSpec = {
  prompt: 'A woman speaks to the camera',
  seed: 7,
  size: '256*256',
  framesPerClip: 12,
  segmentClips: 2,
};

/** Small jobs of several pieces: one of several segments, one unbroken. */
export async function makeSampleJobs(folder: string, toolchain: ToolchainContext): Promise<SampleJob[]> {
  const speechPath = await cutSample(SECONDS, folder, toolchain);
  return [
    { name: 'segmented', speechPath, spec: { ...spec, continuity: 'segmented' } },
    { name: 'continuous', speechPath, spec: { ...spec, continuity: 'continuous' } },
  ];
}

/** Two segments or three, and some twenty pieces. */
export async function makeLongerSampleJob(folder: string, toolchain: ToolchainContext): Promise<SampleJob> {
  const speechPath = await cutSample(LONGER_SECONDS, folder, toolchain);
  return { name: 'longer', speechPath, spec: { ...spec, segmentClips: 8 } };
}

async function cutSample(seconds: number, folder: string, toolchain: ToolchainContext): Promise<string> {
  const { ffmpeg } = await obtainFfmpeg(toolchain);
  const speechPath = join(folder, `speech-${seconds}.wav`);
  await run(ffmpeg, ['-v', 'error', '-y', '-i', sampleSpeech, '-t', String(seconds), speechPath]);
  return speechPath;
}
