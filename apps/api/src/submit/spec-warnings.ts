import {
  FRAMES_PER_BLOCK,
  FRAMES_PER_SECOND,
  framesOfSpeech,
  type JobSpec,
  type ResolvedSpec,
  type VramClass,
  type Warning,
} from '@farm/contracts';

interface ResolvedSubmit {
  requested: JobSpec;
  spec: ResolvedSpec;
  speechSeconds: number;
  vramClass: VramClass;
  hasWorker: boolean;
}

/** What a person may not expect of the spec as it was resolved. */
export function warningsAboutSpec(submit: ResolvedSubmit): Warning[] {
  return [roundedFrames, truncatedSpeech, settingsWithoutEffect, missingWorker, shortPrompt].flatMap(
    (warn) => warn(submit) ?? [],
  );
}

function roundedFrames({ requested: { framesPerClip }, spec }: ResolvedSubmit): Warning | undefined {
  if (framesPerClip === undefined || framesPerClip === spec.framesPerClip) return undefined;
  return {
    code: 'frames-per-clip-rounded',
    message: `framesPerClip ${framesPerClip} became ${spec.framesPerClip}: the model denoises ${FRAMES_PER_BLOCK} frames together.`,
  };
}

function truncatedSpeech({ spec: { clips, framesPerClip }, speechSeconds }: ResolvedSubmit): Warning | undefined {
  if (clips === undefined || framesOfSpeech(speechSeconds) <= clips * framesPerClip) return undefined;
  const seconds = ((clips * framesPerClip) / FRAMES_PER_SECOND).toFixed(2);
  return {
    code: 'speech-truncated',
    message: `The speech lasts ${speechSeconds.toFixed(2)} s and is cut after ${seconds} s (${clips} clips).`,
  };
}

function settingsWithoutEffect({ requested, spec }: ResolvedSubmit): Warning | undefined {
  if (spec.engine !== 'draft') return undefined;
  const set = (['steps', 'guidanceScale', 'precision'] as const).filter((field) => requested[field] !== undefined);
  if (set.length === 0) return undefined;
  return {
    code: 'setting-without-effect',
    message: `${set.join(', ')} concern the liveavatar engine; this job is rendered by the draft engine.`,
  };
}

function missingWorker({ spec, vramClass, hasWorker }: ResolvedSubmit): Warning | undefined {
  if (hasWorker) return undefined;
  return {
    code: 'no-worker',
    message: `No worker with the ${spec.engine} engine is connected; the job waits for one of class ${vramClass} or larger.`,
  };
}

function shortPrompt({ spec }: ResolvedSubmit): Warning | undefined {
  if (spec.prompt.trim().split(/\s+/).length > 2) return undefined;
  return {
    code: 'prompt-short',
    message: 'The prompt has two words or fewer. Describe the person, the light and the setting in a sentence or two.',
  };
}
