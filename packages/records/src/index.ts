export { addWarning } from './add-warning.js';
export { advance, warmKeyOf } from './advance.js';
export { cancelJob } from './cancel-job.js';
export { type Claim, type Claimant, type ClaimOutcome, claimTask } from './claim-task.js';
export { type CommitOutcome, commitPiece } from './commit-piece.js';
export { type CreateJobOutcome, createJob, type NewJob, newJobId } from './create-job.js';
export { deleteJob } from './delete-job.js';
export { readFarmEvents, readJobEvents, tailEvents } from './events.js';
export { type AttemptOutcome, finishAttempt, MAX_FAILURES, MAX_LOSSES } from './finish-attempt.js';
export {
  createFirstAdminKey,
  createKey,
  findKey,
  type KeyRecord,
  listKeys,
  type Role,
  revokeKey,
  roles,
  rotateKey,
} from './keys.js';
export { type AttemptProgress, expireLeases, type HeartbeatAnswer, LEASE_MS, renewLeases } from './leases.js';
export { checkMemory } from './memory-guard.js';
export { getOwnerLimits, type OwnerLimits, setOwnerLimits } from './owner-limits.js';
export * from './read.js';
export * from './records.js';
export type { RecordsContext, Ticket } from './records-context.js';
export { connectRedis, exitWithoutRedis, isRedisAway, KEY_PREFIX } from './redis.js';
export { referencedKeys } from './references.js';
export { type RetryOutcome, retryJob } from './retry-job.js';
export { claimStorageRoot } from './storage-root.js';
export { addMissingTickets, advanceLiveJobs, shrinkEndedJobs } from './sweep.js';
export {
  drainWorker,
  listWorkers,
  markOfflineWorkers,
  registerWorker,
  removeWorker,
  setEngineVersion,
  type WorkerDescription,
} from './workers.js';
