export * from './errors.js';
export type { StreamedEvent } from './event-stream.js';
export { FarmClient, type FarmClientOptions, type JobSubmission } from './farm-client.js';
export { contentIdempotencyKey, fileSha256, type SubmittedContent } from './idempotency-key.js';
