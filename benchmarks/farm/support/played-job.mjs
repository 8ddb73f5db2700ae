import { createHash, randomUUID } from 'node:crypto';
import {
  objectKeys,
  SAMPLES_PER_FRAME,
  SPEECH_MARGIN_SAMPLES,
  SPEECH_SAMPLE_RATE,
  specDefaults,
} from '@farm/contracts';
import { claimTask, finishAttempt, LEASE_MS, newJobId } from '@farm/records';

/** Records of jobs as the API and a worker write them, simulated without rendering anything. */
export const mediaClaimant = {
  workerId: 'benchmark-1',
  classes: ['media'],
  engine: '',
  warmKey: '',
  leaseMs: LEASE_MS,
};

const sha256 = () => createHash('sha256').update(randomUUID()).digest('hex');

export function newJob({ owner = 'benchmark', vramClass = 'cpu', engine = 'draft', priority = specDefaults.priority }) {
  const id = newJobId();
  const input = (part, extension, bytes) => ({ key: objectKeys.input(id, part, extension), sha256: sha256(), bytes });
  return {
    id,
    owner,
    vramClass,
    spec: {
      ...specDefaults,
      prompt: 'A woman speaks to the camera in a bright room, friendly and calm, with light from the left',
      width: 384,
      height: 256,
      seed: 2_147_483_647,
      engine,
      priority,
      metadata: {},
    },
    portrait: input('portrait', 'jpg', 60_445),
    speech: input('speech', 'wav', 553_004),
    warnings: [],
    idempotency: { key: randomUUID(), bodySha256: sha256() },
  };
}

export async function claimed(records, claimant) {
  const outcome = await claimTask(records, claimant);
  if (typeof outcome === 'string') throw new Error(`A ready task of ${claimant.classes} was expected: ${outcome}.`);
  return outcome;
}

/** Ends a claimed `prepare` with equal segments, which makes the job's render tasks ready. */
export async function finishPrepare(records, claim, { segmentCount, segmentFrames }) {
  const key = (name) => objectKeys.prepared(claim.job.id, claim.attempt.id, name);
  const segments = Array.from({ length: segmentCount }, (_, index) => ({
    firstFrame: index * segmentFrames,
    frameCount: segmentFrames,
    speechKey: key(`segment-${String(index).padStart(5, '0')}.wav`),
    marginBefore: index === 0 ? 0 : SPEECH_MARGIN_SAMPLES,
    sampleCount: segmentFrames * SAMPLES_PER_FRAME,
    seed: 1_073_741_824 + index,
  }));
  const frameCount = segmentCount * segmentFrames;
  const sampleCount = frameCount * SAMPLES_PER_FRAME;
  const speech = { key: key('speech.wav'), sampleCount, seconds: sampleCount / SPEECH_SAMPLE_RATE };
  const result = { frameCount, portraitKey: key('portrait.png'), speech, segments, warnings: [] };
  await finishAttempt(records, claim.attempt.id, { status: 'succeeded', result, metrics: { seconds: 0.734512 } });
}

export function newPiece({ job, task, attempt }, firstFrame, frameCount) {
  const key = objectKeys.piece(job.id, { taskId: task.id, attemptId: attempt.id, firstFrame });
  const bytes = 48_211 + firstFrame;
  return { firstFrame, frameCount, key, bytes, rawSha256: sha256(), fileSha256: sha256(), attemptId: attempt.id };
}

export function newVideo({ job, attempt }) {
  const key = (name) => objectKeys.output(job.id, attempt.id, name);
  const { width, height } = job.spec;
  return {
    key: key('video.mp4'),
    sha256: sha256(),
    bytes: 2_412_345,
    frameCount: job.frameCount,
    seconds: job.frameCount / 25,
    width,
    height,
    manifestKey: key('manifest.json'),
    posterKey: key('poster.jpg'),
  };
}
