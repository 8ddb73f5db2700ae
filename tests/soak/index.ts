export { describeRecovery } from './describe-recovery.js';
export { type RecoveryOptions, type RecoveryResult, runRecovery } from './run-recovery.js';
export { runSoak, type SoakOptions, type SoakResult } from './run-soak.js';
export { describeSoak, faultsNotMet, summarizeFaults } from './summarize.js';
