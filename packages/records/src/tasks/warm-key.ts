import type { ResolvedSpec } from '@farm/contracts';

/** What must be the same for an engine to start immediately: its loaded and compiled form. */
export function warmKeyOf({ spec }: { spec: Pick<ResolvedSpec, 'engine' | 'width' | 'height' | 'precision'> }): string {
  // Engines compute `auto` in bf16.
  const precision = spec.precision === 'auto' ? 'bf16' : spec.precision;
  return `${spec.engine}:${spec.width}*${spec.height}:${precision}`;
}
