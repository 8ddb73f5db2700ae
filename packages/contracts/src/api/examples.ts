/** What the examples of the API have in common, so that they tell one story. */
export const exampleJobId = '01m824ar4413933j183wsn5bg7';
export const exampleAttemptId = '01m824aws10vv4d0v2cdm9xk5n';
export const exampleWorkerId = 'studio-gpu0';
export const exampleOwner = 'anna';
export const exampleUploadId = '01m8249z6fq0x2c7j5m3e8hbtk.jpg';
export const exampleCreatedAt = '2026-03-02T09:15:00.000Z';
export const exampleEndedAt = '2026-03-02T09:21:40.000Z';
export const examplePrompt = 'A teacher speaks to the camera in soft daylight.';

export const exampleResolvedSpec = {
  steps: 4,
  precision: 'bf16',
  framesPerClip: 48,
  prompt: examplePrompt,
  size: '704*384',
  width: 448,
  height: 576,
  truncate: false,
  guidanceScale: 0,
  seed: 7,
  engine: 'liveavatar',
  continuity: 'segmented',
  segmentClips: 16,
  priority: 50,
  metadata: { lesson: '12' },
} as const;
