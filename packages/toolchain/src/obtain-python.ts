import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { runStep, type ToolchainContext } from './context.js';
import { CommandFailedError, PythonMissingError, UnknownExtraError, VenvMissingError } from './errors.js';
import { findOnPath, overriddenProgram } from './find-program.js';
import { installOnce } from './install-once.js';
import { runCommand } from './run-command.js';

export interface PythonEnvironmentOptions {
  /** The folder of the package whose dependencies are needed; its own code is not installed (use PYTHONPATH). */
  readonly packageDirectory: string;
  /** Names under `[project.optional-dependencies]`. Default: none. */
  readonly extras?: readonly string[];
}

export interface PythonPackagesOptions {
  /** What progress lines call them, such as `the Python linter`. */
  readonly label: string;
  readonly requirements: readonly string[];
}

interface Pyproject {
  readonly project?: {
    readonly dependencies?: string[];
    readonly 'optional-dependencies'?: Record<string, string[]>;
  };
}

const NEWEST_MINOR = 14;
const OLDEST_MINOR = 10;

async function readRequirements(options: PythonEnvironmentOptions): Promise<string[]> {
  const file = join(options.packageDirectory, 'pyproject.toml');
  const { project } = parse(await readFile(file, 'utf8')) as Pyproject;
  const optional = project?.['optional-dependencies'] ?? {};
  const extras = (options.extras ?? []).map((extra) => {
    const requirements = optional[extra];
    if (!requirements) throw new UnknownExtraError(file, extra, Object.keys(optional));
    return requirements;
  });
  return [...(project?.dependencies ?? []), ...extras.flat()];
}

/** The full version and the real path, or undefined when it is older than 3.10 or does not run. */
async function describePython(context: ToolchainContext, python: string): Promise<string | undefined> {
  const program =
    'import sys, sysconfig; print(*sys.version_info[:2]); print(sys.version, sys.base_prefix, sysconfig.get_platform())';
  const output = await runCommand({ command: python, args: ['-I', '-c', program], environment: context.environment });
  const [version, ...description] = output.split('\n');
  const [major, minor] = (version ?? '').split(' ').map(Number);
  return major === 3 && minor !== undefined && minor >= OLDEST_MINOR ? description.join(' ') : undefined;
}

export interface Interpreter {
  readonly path: string;
  readonly description: string;
}

export async function findInterpreter(context: ToolchainContext): Promise<Interpreter> {
  const minors = Array.from({ length: NEWEST_MINOR - OLDEST_MINOR + 1 }, (_, index) => NEWEST_MINOR - index);
  const names = ['python3', 'python', ...minors.map((minor) => `python3.${minor}`)];
  for (const name of names) {
    const path = await findOnPath(context, name);
    if (path === undefined) continue;
    // A version manager's shim is found even though it fails for versions that are not selected.
    const description = await describePython(context, path).catch(() => undefined);
    if (description !== undefined) return { path, description };
  }
  throw new PythonMissingError(names);
}

async function createEnvironment(context: ToolchainContext, interpreter: Interpreter, directory: string) {
  const { environment, signal } = context;
  try {
    await runCommand({ command: interpreter.path, args: ['-I', '-m', 'venv', directory], environment, signal });
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    const version = /^3\.\d+/.exec(interpreter.description)?.[0] ?? '3';
    throw new VenvMissingError(interpreter.path, version, error);
  }
}

interface RequirementsInstallation {
  readonly python: string;
  readonly requirements: readonly string[];
  readonly progress: (detail: string) => void;
}

async function installRequirements(context: ToolchainContext, installation: RequirementsInstallation): Promise<void> {
  const { python, requirements, progress } = installation;
  if (requirements.length === 0) return;
  const quiet = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
  await runCommand({
    command: python,
    args: ['-I', '-m', 'pip', 'install', ...quiet, '--no-compile', '--prefer-binary', ...requirements],
    environment: context.environment,
    signal: context.signal,
    onLine: (line) => {
      if (/^\s*(Collecting|Downloading|Installing)/.test(line)) progress(line.trim().slice(0, 100));
    },
  });
}

/**
 * The interpreter of a virtual environment with these requirements, built on the first call and kept in the cache
 * under a hash of the requirements and the Python that it is based on.
 * @throws PythonMissingError, VenvMissingError; CommandFailedError with pip's output
 */
export async function obtainPythonPackages(context: ToolchainContext, options: PythonPackagesOptions): Promise<string> {
  const { label, requirements } = options;
  const interpreter = await findInterpreter(context);
  const key = createHash('sha256')
    .update(JSON.stringify([interpreter.description, requirements]))
    .digest('hex');
  const directory = join(context.cacheDirectory, 'python', key.slice(0, 16));
  await installOnce(context, {
    directory,
    product: 'bin/python',
    build: (buildDirectory) =>
      runStep(context, `Installing ${label}`, async (progress) => {
        // Only the scripts in bin/ remember the folder in which they were made; `python -m` works after the rename.
        await createEnvironment(context, interpreter, buildDirectory);
        await installRequirements(context, { python: join(buildDirectory, 'bin/python'), requirements, progress });
      }),
  });
  return join(directory, 'bin/python');
}

/** The interpreter of an environment with a package's dependencies. FARM_PYTHON names one to use as it is. */
export async function obtainPython(context: ToolchainContext, options: PythonEnvironmentOptions): Promise<string> {
  const overridden = await overriddenProgram(context, 'FARM_PYTHON');
  if (overridden !== undefined) return overridden;
  const label = ['the Python packages of the engine', ...(options.extras ?? [])].join(' + ');
  return obtainPythonPackages(context, { label, requirements: await readRequirements(options) });
}
