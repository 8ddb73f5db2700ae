import type { JobDetail } from '@farm/contracts';

/** A job as the API shows it, half rendered unless changed. */
export function sampleJob(change: Partial<JobDetail> = {}): JobDetail {
  return {
    id: '01jz6q8e2m4t7v9x0c3b5n6k8d',
    status: 'running',
    owner: 'admin',
    createdAt: '2026-01-05T08:00:00.000Z',
    startedAt: '2026-01-05T08:00:01.000Z',
    endedAt: null,
    spec: {
      prompt: 'A teacher explains photosynthesis in a bright room',
      size: '384*256',
      width: 320,
      height: 256,
      truncate: false,
      framesPerClip: 48,
      steps: 4,
      guidanceScale: 0,
      seed: 420,
      engine: 'draft',
      precision: 'auto',
      continuity: 'segmented',
      segmentClips: 16,
      priority: 50,
      metadata: {},
    },
    vramClass: 'cpu',
    progress: {
      phase: 'rendering',
      fraction: 0.455,
      framesDone: 262,
      frameCount: 576,
      clipsDone: 5,
      clipCount: 12,
      framesPerSecond: 31.24,
      secondsLeft: 10.1,
    },
    warnings: [],
    error: null,
    links: {},
    tasks: [],
    ...change,
  };
}
