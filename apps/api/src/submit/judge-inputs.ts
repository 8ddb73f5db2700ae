import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SPEECH_SAMPLE_RATE, type Warning } from '@farm/contracts';
import {
  assertLength,
  assertWhole,
  defaultPortraitLimits,
  defaultSpeechLimits,
  excerptSpeech,
  levelSpread,
  MediaError,
  measureSpeech,
  probePortrait,
  probeSpeech,
  speechLevel,
  uprightSize,
} from '@farm/media';
import type { PixelSize } from '@farm/placement';
import pLimit from 'p-limit';
import type { Services } from '../services.js';
import { InputSweptError, PortraitTooNarrowError, PortraitTooSmallError } from './file-errors.js';
import type { InputName } from './part-names.js';
import type { InputFacts } from './resolve-spec.js';

/** Live Avatar's own advice: below this side length a face has too few pixels to follow. */
const PORTRAIT_SIDE = 512;

/** Below this there is no face to animate. */
const SMALLEST_SIDE = 64;
const LARGEST_ASPECT = 4;

/** A minute or two is enough for warnings; the whole recording is decoded when the job is prepared. */
const EXCERPT_SECONDS = 120;
const EXCERPT_TIMEOUT_MS = 20_000;
/** Speech near a microphone has 30 dB and more between its words and its pauses; steady noise fills the pauses. */
const NOISY_DECIBELS = 12;
const CLIPPED_SHARE = 0.001;
/** Of full scale; speech near a microphone is at -30 and above. */
const QUIET_LEVEL = -45;

interface StoredInputs {
  portraitKey: string;
  speechKey: string;
  signal: AbortSignal;
}

export interface JudgedInputs extends InputFacts {
  warnings: Warning[];
}

const toolsOf = ({ configuration }: Services) => ({
  ffmpegPath: configuration.ffmpegPath,
  ffprobePath: configuration.ffprobePath,
});

/** Limits how many submits are judged at the same time; each starts two or three short programs. */
const judging = pLimit(2 * availableParallelism());

/**
 * Judges portrait and speech by their contents, in a temporary folder that is removed afterwards.
 *
 * @throws MediaError with a sentence for the person who sent them
 */
export async function judgeInputs(services: Services, inputs: StoredInputs): Promise<JudgedInputs> {
  return await judging(async () => {
    const folder = await mkdtemp(join(services.configuration.temporaryDirectory ?? tmpdir(), 'farm-judge-'));
    try {
      return await judgeIn(folder, services, inputs);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

async function judgeIn(
  folder: string,
  services: Services,
  { portraitKey, speechKey, signal }: StoredInputs,
): Promise<JudgedInputs> {
  const [portrait, speech] = await bothEnded(
    fetchInput(services, { part: 'portrait', key: portraitKey, folder, signal }).then((path) =>
      judgePortrait(services, path, signal),
    ),
    fetchInput(services, { part: 'speech', key: speechKey, folder, signal }).then((path) =>
      judgeSpeech(services, path, signal),
    ),
  );
  return {
    portrait: portrait.size,
    speechSeconds: speech.seconds,
    warnings: [...portrait.warnings, ...speech.warnings],
  };
}

async function fetchInput(
  { storage }: Services,
  { part, key, folder, signal }: { part: InputName; key: string; folder: string; signal: AbortSignal },
): Promise<string> {
  const path = join(folder, part);
  if ((await storage.getToFile(key, path, { signal })) !== undefined) return path;
  throw new InputSweptError(part);
}

async function judgePortrait(services: Services, path: string, signal: AbortSignal) {
  const limits = { ...defaultPortraitLimits, maximumBytes: services.configuration.limits.maximumPortraitBytes };
  const facts = await probePortrait(toolsOf(services), path, { limits, signal });
  const size = uprightSize(facts);
  assertUsableShape(size);
  const warnings: Warning[] = [];
  if (Math.min(size.width, size.height) < PORTRAIT_SIDE)
    warnings.push({
      code: 'portrait-small',
      message: `The portrait has ${size.width} x ${size.height} pixels; with ${PORTRAIT_SIDE} or more on the short side the face comes out sharper.`,
    });
  if (facts.animated)
    warnings.push({ code: 'portrait-animated', message: 'The portrait is an animation; its first frame is used.' });
  return { size, warnings };
}

/** @throws PortraitTooSmallError, PortraitTooNarrowError */
function assertUsableShape(size: PixelSize): void {
  const { width, height } = size;
  if (Math.min(width, height) < SMALLEST_SIDE)
    throw new PortraitTooSmallError(size, { smallestSide: SMALLEST_SIDE, goodSide: PORTRAIT_SIDE });
  if (Math.max(width / height, height / width) > LARGEST_ASPECT) throw new PortraitTooNarrowError(size, LARGEST_ASPECT);
}

async function judgeSpeech(services: Services, path: string, signal: AbortSignal) {
  const { maximumSpeechSeconds, maximumUploadBytes } = services.configuration.limits;
  const limits = { ...defaultSpeechLimits, maximumBytes: maximumUploadBytes, maximumSeconds: maximumSpeechSeconds };
  const [facts, heard] = await bothEnded(
    probeSpeech(toolsOf(services), path, { limits, signal }),
    firstMinutes(services, path, signal),
  );
  const warnings: Warning[] = [];
  if (facts.sampleRate < SPEECH_SAMPLE_RATE)
    warnings.push({
      code: 'speech-sample-rate',
      message: `The speech has ${facts.sampleRate} samples per second; lips follow better from ${SPEECH_SAMPLE_RATE} up.`,
    });
  if (heard === undefined) return { seconds: facts.seconds, warnings };
  const heardSeconds = heard.length / SPEECH_SAMPLE_RATE;
  assertWhole(facts, heardSeconds, EXCERPT_SECONDS);
  assertLength(heardSeconds, limits);
  const isHeardToItsEnd = facts.estimated && heardSeconds < EXCERPT_SECONDS;
  return {
    seconds: isHeardToItsEnd ? heardSeconds : facts.seconds,
    warnings: [...warnings, ...warningsAboutSound(heard)],
  };
}

/**
 * The samples of a recording's first two minutes; `undefined` when the decoder took too long: then warnings are missing,
 * which is no reason to refuse a job.
 *
 * @throws SpeechUnreadableError where the recording does not decode
 */
async function firstMinutes(services: Services, path: string, signal: AbortSignal): Promise<Int16Array | undefined> {
  const options = { inputPath: path, seconds: EXCERPT_SECONDS, timeoutMs: EXCERPT_TIMEOUT_MS, signal };
  return await excerptSpeech(toolsOf(services), options).catch((error: unknown) => {
    if (error instanceof MediaError && error.status >= 500) return undefined;
    throw error;
  });
}

function warningsAboutSound(samples: Int16Array): Warning[] {
  const { silent, clippedShare } = measureSpeech(samples);
  if (silent)
    return [{ code: 'speech-silent', message: 'The recording is silent: the person in the video will not speak.' }];
  const warnings: Warning[] = [];
  if (clippedShare > CLIPPED_SHARE)
    warnings.push({
      code: 'speech-clipped',
      message: `${(clippedShare * 100).toFixed(1)} % of the sound is clipped; record at a lower level for better lips.`,
    });
  const level = speechLevel(samples);
  if (level < QUIET_LEVEL)
    warnings.push({
      code: 'speech-quiet',
      message:
        `The speech is quiet, ${(-level).toFixed(0)} dB below full scale. Lips follow it all the same; ` +
        "the video's sound is as quiet as the recording.",
    });
  const spread = levelSpread(samples);
  if (spread < NOISY_DECIBELS)
    warnings.push({
      code: 'speech-noisy',
      message:
        `There are only ${spread.toFixed(0)} dB between the loud and the quiet parts: noise or music fills the pauses. ` +
        'Lips follow clean speech better.',
    });
  return warnings;
}

/** As `Promise.all`, but a failure too waits until both have ended: then the folder may go. */
async function bothEnded<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other]);
  return await Promise.all([one, other]);
}
