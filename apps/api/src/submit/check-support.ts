import { DEFAULT_FRAMES_PER_CLIP, FarmError, type JobSpec, type ResolvedSpec } from '@farm/contracts';

interface Refusal {
  field: keyof JobSpec;
  applies(spec: JobSpec): boolean;
  sentence: string;
}

/** What the farm cannot honour yet. It is refused by name: a setting that is silently ignored is worse than none. */
const refusals: readonly Refusal[] = [
  {
    field: 'guidanceScale',
    applies: (spec) => (spec.guidanceScale ?? 0) !== 0,
    sentence: 'guidanceScale can only be 0: the distilled model runs without guidance. Leave it out.',
  },
  {
    field: 'precision',
    applies: (spec) => spec.precision === 'fp8' || spec.precision === 'int8',
    sentence: 'precision "fp8" and "int8" are not rendered yet. Use "auto" or "bf16".',
  },
];

/** @throws FarmError `not-supported-yet`, naming the field */
export function checkSupport(spec: JobSpec): void {
  const refusal = refusals.find((candidate) => candidate.applies(spec));
  if (refusal) throw notSupported(refusal.field, refusal.sentence);
}

/**
 * What hangs on the engine that was found for the job.
 *
 * @throws FarmError `not-supported-yet`, naming the field
 */
export function checkEngineSupport({ engine, framesPerClip }: ResolvedSpec): void {
  if (engine === 'liveavatar' && framesPerClip !== DEFAULT_FRAMES_PER_CLIP)
    throw notSupported(
      'framesPerClip',
      `framesPerClip ${framesPerClip}: the liveavatar model was distilled for clips of ${DEFAULT_FRAMES_PER_CLIP} frames. Leave it out.`,
    );
}

function notSupported(field: keyof JobSpec, sentence: string): FarmError {
  return new FarmError('not-supported-yet', sentence, { status: 422, data: { field } });
}
