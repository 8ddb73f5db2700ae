import type { JobSpec, Preset } from '@farm/contracts';

/** A preset fills in what the spec leaves open; a field that is there stands. */
export const presets: Readonly<Record<Preset, Partial<JobSpec>>> = {
  /** Timing, framing and cuts in seconds, without a GPU. */
  preview: { engine: 'draft', size: '384*256' },
  standard: { size: '384*256', continuity: 'segmented' },
  /** Lectures: short segments, so that many workers share one. */
  long: { size: '384*256', continuity: 'segmented', segmentClips: 8 },
  high: { size: '704*384', continuity: 'segmented' },
};
