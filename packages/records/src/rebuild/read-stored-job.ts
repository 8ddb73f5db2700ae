import { EndedFile, JobFile, Manifest, objectKeys, ResolvedSpec } from '@farm/contracts';
import { readStored, type StoredFile, type StoredFiles } from './stored-files.js';

/** The video of a job, and the manifest beside it. */
export interface StoredVideo {
  manifest: Manifest;
  spec: ResolvedSpec;
  manifestKey: string;
  posterKey: string | undefined;
}

/** What an unfinished job has in storage. */
export interface UnfinishedObjects {
  inputs: string[];
  prepared: string[];
  pieces: string[];
  states: string[];
}

/** What the storage alone says about a job. */
export type StoredJob = { jobId: string } & (
  | { kind: 'deleted' }
  | { kind: 'finished'; video: StoredVideo; file: JobFile | undefined; sizes: ReadonlyMap<string, number> }
  | { kind: 'ended'; file: JobFile; ending: EndedFile }
  | { kind: 'unfinished'; file: JobFile; objects: UnfinishedObjects }
  | { kind: 'unusable'; reason: string }
);

/** Judges a job by all of its objects. @throws where the storage fails */
export async function readStoredJob(storage: StoredFiles, jobId: string, objects: StoredFile[]): Promise<StoredJob> {
  const sizes = new Map(objects.map(({ key, size }) => [key, size]));
  if (sizes.has(objectKeys.deletedFile(jobId))) return { jobId, kind: 'deleted' };
  const file = await readOwn(storage, jobId, sizes);
  const video = await readVideo(storage, jobId, sizes);
  if (video) return { jobId, kind: 'finished', video, file, sizes };
  if (file === undefined) return { jobId, kind: 'unusable', reason: reasonOf([...sizes.keys()]) };
  const endedKey = objectKeys.endedFile(jobId);
  const ending = sizes.has(endedKey) ? await readStored(storage, endedKey, EndedFile) : undefined;
  if (ending) return { jobId, kind: 'ended', file, ending };
  const missing = [file.portrait, file.speech].filter(({ key, bytes }) => sizes.get(key) !== bytes);
  if (missing.length > 0) {
    const names = missing.map(({ key }) => key).join(' and ');
    return { jobId, kind: 'unusable', reason: `it has no video, and of its inputs ${names} is missing or incomplete` };
  }
  return { jobId, kind: 'unfinished', file, objects: unfinishedObjects([...sizes.keys()]) };
}

async function readOwn(
  storage: StoredFiles,
  jobId: string,
  sizes: ReadonlyMap<string, number>,
): Promise<JobFile | undefined> {
  const key = objectKeys.jobFile(jobId);
  const file = sizes.has(key) ? await readStored(storage, key, JobFile) : undefined;
  return file?.id === jobId ? file : undefined;
}

/** The newest manifest whose video is there, whole; an attempt that came too late may have left another one. */
async function readVideo(
  storage: StoredFiles,
  jobId: string,
  sizes: ReadonlyMap<string, number>,
): Promise<StoredVideo | undefined> {
  let newest: StoredVideo | undefined;
  for (const manifestKey of sizes.keys()) {
    if (!/\/output\/[^/]+\/manifest\.json$/.test(manifestKey)) continue;
    const manifest = await readStored(storage, manifestKey, Manifest);
    const spec = ResolvedSpec.safeParse(manifest?.spec).data;
    if (manifest?.jobId !== jobId || spec === undefined || sizes.get(manifest.video.key) !== manifest.video.bytes)
      continue;
    if (newest && newest.manifest.endedAt >= manifest.endedAt) continue;
    const posterKey = manifestKey.replace(/manifest\.json$/, 'poster.jpg');
    newest = { manifest, spec, manifestKey, posterKey: sizes.has(posterKey) ? posterKey : undefined };
  }
  return newest;
}

const reasonOf = (keys: string[]): string =>
  keys.some((key) => key.includes('/output/'))
    ? 'its manifest or its video is missing or damaged, and what was submitted is not stored'
    : 'what was submitted is not stored, as with jobs of an older farm';

const unfinishedObjects = (keys: string[]): UnfinishedObjects => {
  const below = (folder: string) => keys.filter((key) => key.split('/')[2] === folder);
  return { inputs: below('input'), prepared: below('prepared'), pieces: below('pieces'), states: below('states') };
};
