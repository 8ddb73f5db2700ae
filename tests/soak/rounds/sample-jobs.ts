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

/** Small jobs of several pieces: one of several segments, one unbroken. */
export async function makeSampleJobs(folder: string, toolchain: ToolchainContext): Promise<SampleJob[]> {
  const { ffmpeg } = await obtainFfmpeg(toolchain);
  const speechPath = join(folder, 'speech.wav');
  await run(ffmpeg, ['-v', 'error', '-y', '-i', sampleSpeech, '-t', String(SECONDS), speechPath]);
  const spec: JobSpec = {
    prompt: 'A woman speaks to the camera',
    seed: 7,
    size: '256*256',
    framesPerClip: 12,
    segmentClips: 2,
  };
  return [
    { name: 'segmented', speechPath, spec: { ...spec, continuity: 'segmented' } },
    { name: 'continuous', speechPath, spec: { ...spec, continuity: 'continuous' } },
  ];
}
