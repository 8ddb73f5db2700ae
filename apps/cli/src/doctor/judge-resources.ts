import { type Finding, fine, note, problem } from './finding.js';
import type { MachineProbe } from './probe-results.js';

const GIB = 2 ** 30;
/** Below this a few jobs fill the disk; an hour of video with its pieces needs about 1 GiB. */
const LITTLE_SPACE = 20 * GIB;
const NO_SPACE = 2 * GIB;
/** All files of the model, and room for the one that is being verified. */
const WEIGHTS_SPACE = 50 * GIB;

/** Storage, disk, port and weights. `needsGpu`: whether this machine will run the liveavatar engine. */
export function judgeResources(probe: MachineProbe, { needsGpu }: { needsGpu: boolean }): Finding[] {
  return [judgeStorage(probe), judgeDisk(probe), judgePort(probe), judgeWeights(probe, needsGpu)];
}

function judgeStorage({ storageService, dataDirectory }: MachineProbe): Finding {
  if (storageService !== undefined) {
    const { address, failure } = storageService;
    if (failure === undefined) return fine('storage', `${address} is listening`);
    return problem('storage', `${address} is unavailable (${failure}).`, 'Start it, or correct S3_ENDPOINT.');
  }
  if (dataDirectory.writable) return fine('storage', `${dataDirectory.path} can be written`);
  const remedy = 'Get write permission there, or choose another folder: farm up --data FOLDER.';
  return problem('storage', `${dataDirectory.path} cannot be written.`, remedy);
}

function judgeDisk({ dataDirectory: { path, freeBytes } }: MachineProbe): Finding {
  const free = `${(freeBytes / GIB).toFixed(0)} GiB free for ${path}`;
  if (freeBytes >= LITTLE_SPACE) return fine('disk', free);
  const remedy = 'Free some space, or choose a folder on another disk: farm up --data FOLDER.';
  if (freeBytes >= NO_SPACE) return note('disk', `Only ${free}.`, remedy);
  return problem('disk', `Only ${(freeBytes / GIB).toFixed(1)} GiB free for ${path}: uploads will be refused.`, remedy);
}

function judgePort({ port: { number, state } }: MachineProbe): Finding {
  if (state === 'free') return fine('port', `${number} is free`);
  if (state === 'farm') return fine('port', `a farm is listening on ${number}`);
  return note('port', `${number} is in use by another program.`, `Choose another one: farm up --port ${number + 1}.`);
}

function judgeWeights({ weights }: MachineProbe, needsGpu: boolean): Finding {
  const { folder, fileCount, wrongFiles, freeBytes } = weights;
  const remedy = `farm weights pull --folder ${folder}`;
  if (wrongFiles.length > 0) {
    const found = `${wrongFiles.length} of ${fileCount} files in ${folder} are missing or incomplete: ${wrongFiles[0]}, …`;
    return problem('weights', found, `${remedy} downloads the rest.`);
  }
  if (fileCount > 0)
    return fine(
      'weights',
      `${fileCount} files in ${folder} (only sizes were compared; farm weights check reads them all)`,
    );
  const found = `No weights in ${folder}; the liveavatar engine needs them, the draft engine does not.`;
  if (freeBytes < WEIGHTS_SPACE && needsGpu) {
    const short = `${found} They need about 50 GB, ${(freeBytes / GIB).toFixed(0)} GiB are free.`;
    return problem('weights', short, 'farm weights pull --folder FOLDER, on a larger disk.');
  }
  return needsGpu ? problem('weights', found, `${remedy} downloads them.`) : note('weights', found);
}
