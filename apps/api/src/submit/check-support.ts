import { FarmError, type JobSpec } from '@farm/contracts';

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
    field: 'continuity',
    applies: (spec) => spec.continuity === 'continuous',
    sentence: 'continuity "continuous" is not rendered yet. Leave it out, and long speech is cut at its silences.',
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
  if (refusal)
    throw new FarmError('not-supported-yet', refusal.sentence, { status: 422, data: { field: refusal.field } });
}
