import { fileURLToPath } from 'node:url';

const projectFile = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The built programs of this checkout: the apps that a farm is made of. */
export const mainFiles = {
  api: projectFile('apps/api/dist/main.js'),
  scheduler: projectFile('apps/scheduler/dist/main.js'),
  worker: projectFile('apps/worker/dist/main.js'),
} as const;

/** Where Python finds `farm_engine`, and the list of what it needs. */
export const enginePath = projectFile('packages/engine');
export const samplePortrait = projectFile('samples/portrait.jpg');
export const sampleSpeech = projectFile('samples/speech.wav');
