export { runSoak, type SoakOptions, type SoakResult } from './run-soak.js';
export { describeSoak, summarizeFaults } from './summarize.js';
