import type { EngineName, VramClass } from '@farm/contracts';
import { type MemoryProfile, predictPeakGB, type RenderSettings, tokensOf } from './memory-profile.js';

export interface RenderNeed extends RenderSettings {
  engine: EngineName;
  /** A live worker without a GPU runs the model itself, in its small test configuration. */
  cpuWorkerRunsModel: boolean;
}

export type Placement =
  | { fits: true; vramClass: VramClass; predictedPeakGB: number | null }
  | { fits: false; reason: string; suggestions: string[] };

const gpuClasses = ['16g', '24g', '48g', '80g'] as const;

/** The smallest class that holds the render by the profile; or why none does, and what would fit instead. */
export function placeRender(profile: MemoryProfile, need: RenderNeed): Placement {
  if (need.engine === 'draft' || need.cpuWorkerRunsModel)
    return { fits: true, vramClass: 'cpu', predictedPeakGB: null };
  const { width, height } = need.video;
  const largestArea = profile.largestTokens * 256;
  if (tokensOf(need.video) > profile.largestTokens) {
    return {
      fits: false,
      reason:
        `A video of ${width}x${height} has ${tokensOf(need.video)} tokens a latent frame, and the Live Avatar model ` +
        `takes at most ${profile.largestTokens}.`,
      suggestions: [`size 704*384 or 640*448 (at most ${largestArea} pixels)`, 'engine draft'],
    };
  }
  const predictedPeakGB = predictPeakGB(profile, need);
  const vramClass = gpuClasses.find((candidate) => profile.usableGB[candidate] >= predictedPeakGB);
  if (vramClass) return { fits: true, vramClass, predictedPeakGB };
  return {
    fits: false,
    reason:
      `A video of ${width}x${height} in ${need.precision} with ${need.steps} steps needs about ${predictedPeakGB.toFixed(1)} GB, and the largest ` +
      `class has ${profile.usableGB['80g']} GB.`,
    suggestions: ['size 384*256', 'steps 4', 'engine draft'],
  };
}
