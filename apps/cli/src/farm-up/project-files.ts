import { fileURLToPath } from 'node:url';

const projectFile = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

/** Programs and folders of this checkout that the command line starts or reads. */
export const apiEntry = projectFile('apps/api/dist/main.js');
export const schedulerEntry = projectFile('apps/scheduler/dist/main.js');
export const workerEntry = projectFile('apps/worker/dist/main.js');
/** Where Python finds `farm_engine`, and the list of what it needs. */
export const enginePath = projectFile('packages/engine');
export const samplePortrait = projectFile('samples/portrait.jpg');
export const sampleSpeech = projectFile('samples/speech.wav');
