import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { escapePath, glob } from 'tinyglobby';
import { ClashingOutputsError, NoMatchingRecordingError, NoSuchRecordingError, SharedOutputError } from './errors.js';

/** A job to submit: a recording, and where its video goes. */
export interface Submission {
  /** How it is shown: the recording's path, without the folder that all share. */
  readonly label: string;
  readonly speechPath: string;
  /** May still contain `{id}`, which is known once the job is. */
  readonly outPath: string | undefined;
}

export interface SubmissionPlan {
  readonly speechPatterns: readonly string[];
  /** File, folder, or a template with `{name}` (recording without its extension) and `{id}` (of the job). */
  readonly out: string | undefined;
}

/** The recordings that the patterns name, in order, each with its output. @throws UsageError */
export async function planSubmissions({ speechPatterns, out }: SubmissionPlan): Promise<Submission[]> {
  const speechPaths = [...new Set((await Promise.all(speechPatterns.map(expand))).flat())];
  const template = out === undefined ? undefined : await outTemplate(out, speechPaths.length);
  const shared = sharedFolder(speechPaths);
  const submissions = speechPaths.map((speechPath) => {
    const name = basename(speechPath, extname(speechPath));
    return { label: relative(shared, speechPath), speechPath, outPath: template?.replaceAll('{name}', () => name) };
  });
  refuseSharedOutputs(submissions);
  return submissions;
}

/** A path that exists is that file, whatever characters it has; anything else is a pattern. */
async function expand(pattern: string): Promise<string[]> {
  const found = await stat(pattern).catch(() => undefined);
  if (found?.isFile()) return [pattern];
  const isFolder = found?.isDirectory() ?? false;
  if (!isFolder && !/[*?{[]/.test(pattern)) throw new NoSuchRecordingError(pattern);
  const wanted = isFolder ? `${escapePath(pattern.replace(/\/+$/, ''))}/*` : pattern;
  const paths = (await glob(wanted, { onlyFiles: true, dot: false, expandDirectories: false })).sort(inReadingOrder);
  if (paths.length === 0) throw new NoMatchingRecordingError(pattern);
  return paths;
}

function sharedFolder(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => dirname(resolve(path)).split(sep));
  const differs = (part: string, index: number) => others.some((other) => other[index] !== part);
  const end = first.findIndex(differs);
  return (end === -1 ? first : first.slice(0, end)).join(sep) || sep;
}

const { compare: inReadingOrder } = new Intl.Collator('en', { numeric: true });

async function outTemplate(out: string, count: number): Promise<string> {
  const isFolder = out.endsWith('/') || (await stat(out).catch(() => undefined))?.isDirectory();
  if (isFolder) return join(out, '{name}.mp4');
  if (count > 1 && !out.includes('{name}') && !out.includes('{id}')) {
    throw new SharedOutputError(out, { recordingCount: count });
  }
  return out;
}

function refuseSharedOutputs(submissions: readonly Submission[]): void {
  const owners = new Map<string, string>();
  for (const { speechPath, outPath } of submissions) {
    if (outPath === undefined || outPath.includes('{id}')) continue;
    const other = owners.get(resolve(outPath));
    if (other !== undefined) throw new ClashingOutputsError(outPath, [other, speechPath]);
    owners.set(resolve(outPath), speechPath);
  }
}
