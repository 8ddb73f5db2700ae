import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { escapePath, glob } from 'tinyglobby';
import { usageError } from '../exit-codes.js';

/** One job to be: a recording, and where its video goes. */
export interface Submission {
  /** What the person calls it: the recording's path, without the folder that all share. */
  readonly label: string;
  readonly audioPath: string;
  /** May still hold `{id}`, which is known once the job is. */
  readonly outPath: string | undefined;
}

export interface SubmissionPlan {
  readonly audioPatterns: readonly string[];
  /** File, folder, or a template with `{name}` (recording without its extension) and `{id}` (of the job). */
  readonly out: string | undefined;
}

/** The recordings that the patterns name, in order, each with its output. @throws CommandError (usage). */
export async function planSubmissions({ audioPatterns, out }: SubmissionPlan): Promise<Submission[]> {
  const audioPaths = [...new Set((await Promise.all(audioPatterns.map(expand))).flat())];
  const template = out === undefined ? undefined : await outTemplate(out, audioPaths.length);
  const shared = sharedFolder(audioPaths);
  const submissions = audioPaths.map((audioPath) => {
    const name = basename(audioPath, extname(audioPath));
    return { label: relative(shared, audioPath), audioPath, outPath: template?.replaceAll('{name}', () => name) };
  });
  refuseSharedOutputs(submissions);
  return submissions;
}

/** A path that exists is that file, whatever characters are in it; anything else is a pattern. */
async function expand(pattern: string): Promise<string[]> {
  const found = await stat(pattern).catch(() => undefined);
  if (found?.isFile()) return [pattern];
  const isFolder = found?.isDirectory() ?? false;
  if (!isFolder && !/[*?{[]/.test(pattern)) throw usageError(`--audio: there is no file ${pattern}.`);
  const wanted = isFolder ? `${escapePath(pattern.replace(/\/+$/, ''))}/*` : pattern;
  const paths = (await glob(wanted, { onlyFiles: true, dot: false, expandDirectories: false })).sort(inReadingOrder);
  if (paths.length === 0) throw usageError(`--audio: no file matches ${pattern} (seen from ${process.cwd()}).`);
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
    throw usageError(`--out: ${count} recordings cannot share ${out}. Write {name} into it, as in outputs/{name}.mp4.`);
  }
  return out;
}

function refuseSharedOutputs(submissions: readonly Submission[]): void {
  const owners = new Map<string, string>();
  for (const { audioPath, outPath } of submissions) {
    if (outPath === undefined || outPath.includes('{id}')) continue;
    const other = owners.get(resolve(outPath));
    if (other !== undefined) throw usageError(`--out: ${other} and ${audioPath} would both become ${outPath}.`);
    owners.set(resolve(outPath), audioPath);
  }
}
