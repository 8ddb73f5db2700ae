import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  objectKeys,
  type ResolvedSpec,
  SAMPLES_PER_FRAME,
  SPEECH_MARGIN_SAMPLES,
  SPEECH_SAMPLE_RATE,
  type Warning,
} from '@farm/contracts';
import {
  cutSpeech,
  decodePortrait,
  decodeSpeech,
  defaultSpeechLimits,
  findCuts,
  frameCountOf,
  readSpeech,
  type SegmentRange,
} from '@farm/media';
import type { PrepareResult, SegmentPlan, StoredInput } from '@farm/records';
import { allOrStop } from '../all-or-stop.js';
import { download } from '../download.js';
import { SpeechTooLongForClipsError } from '../errors.js';
import { sha256OfFile } from '../sha256-of-file.js';
import type { TaskContext, TaskOutcome } from '../task-context.js';

/** No segment is shorter than this, so that every one has a beginning, a middle and an end. */
const MINIMUM_SEGMENT_FRAMES = 24;

/** Decodes portrait and speech, cuts the speech into segments, and stores what renders need. */
export async function prepare(context: TaskContext): Promise<TaskOutcome> {
  const { claim, directory, storage, media, signal } = context;
  const { job } = claim;
  const started = performance.now();
  const [portraitPath, speechPath] = await allOrStop<[string, string]>(signal, [
    (either) => downloadInput({ ...context, signal: either }, job.portrait, 'portrait-input'),
    (either) => downloadInput({ ...context, signal: either }, job.speech, 'speech-input'),
  ]);
  const decodedPortrait = join(directory, 'portrait.png');
  await decodePortrait(media, { inputPath: portraitPath, outputPath: decodedPortrait, signal });
  const decodedSpeech = join(directory, 'speech.wav');
  const limits = { ...defaultSpeechLimits, maximumSeconds: context.maximumSpeechSeconds };
  const { sampleCount, seconds } = await decodeSpeech(media, {
    inputPath: speechPath,
    outputPath: decodedSpeech,
    limits,
    signal,
  });

  const kept = keptSamples(job.spec, sampleCount);
  const samples = (await readSpeech(decodedSpeech)).subarray(0, kept);
  const ranges = segmentRanges(samples, job.spec);
  const key = (name: string) => objectKeys.prepared(job.id, claim.attempt.id, name);
  const segments: SegmentPlan[] = [];
  for (const [index, range] of ranges.entries()) {
    signal.throwIfAborted();
    segments.push(
      await storeSegment(context, {
        speechPath: decodedSpeech,
        range,
        key: key(`segment-${String(index).padStart(5, '0')}.wav`),
      }),
    );
  }
  await storage.put(key('portrait.png'), { filePath: decodedPortrait }, { contentType: 'image/png', signal });
  await storage.put(key('speech.wav'), { filePath: decodedSpeech }, { contentType: 'audio/wav', signal });
  const result: PrepareResult = {
    frameCount: frameCountOf(kept),
    portraitKey: key('portrait.png'),
    portraitSha256: await sha256OfFile(decodedPortrait),
    speech: {
      key: key('speech.wav'),
      sha256: await sha256OfFile(decodedSpeech),
      sampleCount: kept,
      seconds: kept / SPEECH_SAMPLE_RATE,
    },
    segments,
    warnings: kept < sampleCount ? [truncated(seconds, kept)] : [],
  };
  return { result, metrics: { seconds: (performance.now() - started) / 1000 } };
}

function truncated(seconds: number, keptSampleCount: number): Warning {
  const keptSeconds = keptSampleCount / SPEECH_SAMPLE_RATE;
  return {
    code: 'speech-truncated',
    message: `The speech of ${seconds.toFixed(1)} s is cut to ${keptSeconds.toFixed(1)} s.`,
  };
}

async function downloadInput(context: TaskContext, input: StoredInput, name: string): Promise<string> {
  const path = join(context.directory, name);
  await download(context, input, path);
  return path;
}

function keptSamples(spec: ResolvedSpec, sampleCount: number): number {
  if (spec.clips === undefined) return sampleCount;
  const limit = spec.clips * spec.framesPerClip * SAMPLES_PER_FRAME;
  if (sampleCount <= limit || spec.truncate) return Math.min(sampleCount, limit);
  throw new SpeechTooLongForClipsError({ sampleCount, clips: spec.clips, maximumSamples: limit });
}

function segmentRanges(samples: Int16Array, spec: ResolvedSpec): SegmentRange[] {
  const frameCount = frameCountOf(samples.length);
  const maximumFrames = spec.segmentClips * spec.framesPerClip;
  if (spec.continuity === 'continuous' || frameCount <= maximumFrames) return [{ firstFrame: 0, frameCount }];
  return findCuts(samples, {
    minimumFrames: Math.min(MINIMUM_SEGMENT_FRAMES, Math.floor(maximumFrames / 2)),
    targetFrames: Math.ceil(maximumFrames * 0.75),
    maximumFrames,
  });
}

async function storeSegment(
  context: TaskContext,
  { speechPath, range, key }: { speechPath: string; range: SegmentRange; key: string },
): Promise<SegmentPlan> {
  const outputPath = join(context.directory, 'segment.wav');
  const cut = await cutSpeech({
    speechPath,
    outputPath,
    firstSample: range.firstFrame * SAMPLES_PER_FRAME,
    sampleCount: range.frameCount * SAMPLES_PER_FRAME,
    marginSamples: SPEECH_MARGIN_SAMPLES,
  });
  await context.storage.put(key, { filePath: outputPath }, { contentType: 'audio/wav', signal: context.signal });
  const speech = await readFile(outputPath);
  return {
    ...range,
    ...cut,
    speechKey: key,
    speechSha256: createHash('sha256').update(speech).digest('hex'),
    seed: segmentSeed(context.claim.job.spec.seed, speech),
  };
}

/** A segment's seed depends on the job's seed and its own sound only: editing one sentence leaves the others alone. */
function segmentSeed(jobSeed: number, speech: Buffer): number {
  const digest = createHash('sha256').update(`${jobSeed}:`).update(speech).digest();
  return digest.readUIntBE(0, 6);
}
