export * from './errors.js';
export type { StreamedEvent } from './event-stream.js';
export * from './farm-client.js';
export * from './idempotency-key.js';
export {
  type JobPage,
  type KeyRequest,
  type KeyRole,
  type KeyView,
  type KeyWithSecret,
  keyRoles,
  type OwnerLimits,
  type Plan,
  type PlanRequest,
  type SignedUrls,
} from './views.js';
