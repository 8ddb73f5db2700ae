export {
  type DataDirectory,
  defaultDataDirectory,
  type FarmFile,
  readAdminKey,
  readFarmFile,
} from './data-directory.js';
export * from './errors.js';
export { type LocalFarm, type LocalFarmOptions, startLocalFarm } from './local-farm.js';
export { followLog } from './log-follower.js';
export { enginePath, mainFiles, samplePortrait, sampleSpeech } from './project-files.js';
export { openStoredFarm, type StoredFarm } from './stored-farm.js';
export { type Part, Supervisor, type SupervisorEvents } from './supervisor.js';
