import type { EngineName, VramClass } from '@farm/contracts';
import { type MemoryProfile, PIXELS_PER_TOKEN, predictPeakGB, type RenderNeed, tokensOf } from './memory-profile.js';

export interface PlacementRequest extends RenderNeed {
  engine: EngineName;
  /** A live worker without a GPU runs the model itself, in its small test configuration. */
  cpuWorkerRunsModel: boolean;
}

export type Placement =
  | { fits: true; vramClass: VramClass; predictedPeakGB: number | null }
  | { fits: false; reason: string; suggestions: string[] };

const gpuClasses = ['16g', '24g', '48g', '80g'] as const;

/** The smallest class that can hold the render according to the profile; or why none can, and what would fit instead. */
export function placeRender(profile: MemoryProfile, request: PlacementRequest): Placement {
  if (request.engine === 'draft' || request.cpuWorkerRunsModel) {
    return { fits: true, vramClass: 'cpu', predictedPeakGB: null };
  }
  if (tokensOf(request.video) > profile.largestTokens) return tooManyTokens(profile, request);
  const predictedPeakGB = predictPeakGB(profile, request);
  const vramClass = gpuClasses.find((candidate) => profile.usableGB[candidate] >= predictedPeakGB);
  return vramClass ? { fits: true, vramClass, predictedPeakGB } : tooMuchMemory(profile, request, predictedPeakGB);
}

function tooManyTokens({ largestTokens }: MemoryProfile, { video }: RenderNeed): Placement {
  const largestArea = largestTokens * PIXELS_PER_TOKEN;
  return {
    fits: false,
    reason:
      `A video of ${video.width}x${video.height} has ${tokensOf(video)} tokens per latent frame, and the Live Avatar ` +
      `model accepts at most ${largestTokens}.`,
    suggestions: [`size 704*384 or 640*448 (at most ${largestArea} pixels)`, 'engine draft'],
  };
}

function tooMuchMemory({ usableGB }: MemoryProfile, { video, settings }: RenderNeed, peakGB: number): Placement {
  return {
    fits: false,
    reason:
      `A video of ${video.width}x${video.height} in ${settings.precision} with ${settings.steps} steps needs about ` +
      `${peakGB.toFixed(1)} GB, and the largest class has ${usableGB['80g']} GB.`,
    suggestions: ['size 384*256', 'steps 4', 'engine draft'],
  };
}
