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

export const exampleProgress = {
  phase: 'rendering',
  fraction: 0.32,
  framesDone: 480,
  frameCount: 1500,
  clipsDone: 10,
  clipCount: 32,
  framesPerSecond: 4.1,
  secondsLeft: 249,
} as const;
export const exampleAttempt = {
  id: exampleAttemptId,
  number: 1,
  status: 'running',
  workerId: exampleWorkerId,
  startedAt: exampleCreatedAt,
  endedAt: null,
  error: null,
  failureClass: null,
} as const;
export const exampleTask = {
  id: `${exampleJobId}-render-00000`,
  kind: 'render',
  status: 'running',
  taskClass: '80g',
  firstFrame: 0,
  frameCount: 1500,
  framesCommitted: 480,
  failures: 0,
  attempts: [exampleAttempt],
} as const;
export const exampleJob = {
  id: exampleJobId,
  status: 'running',
  owner: exampleOwner,
  createdAt: exampleCreatedAt,
  startedAt: exampleCreatedAt,
  endedAt: null,
  spec: exampleResolvedSpec,
  vramClass: '80g',
  progress: exampleProgress,
  warnings: [],
  error: null,
  links: { self: `/v1/jobs/${exampleJobId}`, events: `/v1/jobs/${exampleJobId}/events` },
} as const;
