export { ContractServer, json, problem } from './contract-server.js';
export { sampleJob } from './sample-job.js';
