// What has to be there before anything else of the project can run. Uses nothing but Node: there may be no node_modules yet.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { turboCommand } from './turbo-command.mjs';

export const projectRoot = dirname(import.meta.dirname);

const OLDEST_NODE = [20, 19];
const OLDEST_PYTHON_MINOR = 10;

/** A sentence for the person who started the command; printed without a stack. */
export class SetupError extends Error {}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new SetupError(
    `Node.js ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.version} (${process.execPath}). ` +
      'Install a current release, for example with your package manager or a version manager such as nvm or fnm.',
  );
}

function requirePython() {
  if (process.env.FARM_PYTHON) return;
  const names = ['python3', 'python', ...[14, 13, 12, 11, 10].map((minor) => `python3.${minor}`)];
  const check = `import sys; sys.exit(sys.version_info < (3, ${OLDEST_PYTHON_MINOR}))`;
  if (names.some((name) => spawnSync(name, ['-I', '-c', check], { stdio: 'ignore' }).status === 0)) return;
  throw new SetupError(
    `Python 3.${OLDEST_PYTHON_MINOR} or newer is needed, and none of ${names.join(', ')} on the PATH is one. ` +
      'Install it with `sudo apt-get install python3 python3-venv` (Debian, Ubuntu), `brew install python` (macOS), ' +
      '`sudo dnf install python3` (Fedora) or `sudo pacman -S python` (Arch), or set FARM_PYTHON to its path.',
  );
}

/** Runs a command quietly; its output is shown only if it fails. It ends with this process. */
async function runQuietly(command, args, environment = process.env) {
  const child = spawn(command, args, { cwd: projectRoot, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  child.stdout.on('data', (bytes) => output.push(bytes));
  child.stderr.on('data', (bytes) => output.push(bytes));
  let interrupted = false;
  const interrupt = (signal) => {
    interrupted = true;
    child.kill(signal);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const [code, signal] = await once(child, 'close');
    if (interrupted) throw new SetupError(`Interrupted while running \`${[command, ...args].join(' ')}\`.`);
    if (code === 0) return;
    const ending = `\`${[command, ...args].join(' ')}\` failed (${signal ?? `exit code ${code}`}).`;
    throw new SetupError(`${Buffer.concat(output).toString().trimEnd()}\n${ending}`);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** Prints one line with the seconds it took; steps shorter than `silentMs` leave no line. */
async function step(label, silentMs, work) {
  const start = performance.now();
  const show = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[2K${text}`);
  show(`${label} …`);
  await work();
  show('');
  const elapsedMs = performance.now() - start;
  if (elapsedMs >= silentMs) process.stderr.write(`${label} (${(elapsedMs / 1000).toFixed(1)} s)\n`);
}

/**
 * Compares node_modules with package-lock.json, by the copy of the lock that npm writes there at the very end.
 * @returns 'missing', 'outdated' or 'current'
 */
function installedPackages() {
  const installedLock = join(projectRoot, 'node_modules/.package-lock.json');
  if (!existsSync(installedLock)) return 'missing';
  const wanted = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  const isCurrent = Object.entries(wanted).every(([path, { version, link, optional }]) => {
    if (path === '' || link) return true;
    // npm leaves out the optional packages of other platforms.
    return installed[path] ? installed[path].version === version : optional === true;
  });
  return isCurrent ? 'current' : 'outdated';
}

async function installPackages() {
  const state = installedPackages();
  if (state === 'current') return;
  requirePython();
  const args = state === 'missing' ? ['ci'] : ['install'];
  await step('Installing the npm packages', 0, () => runQuietly('npm', args));
}

async function build() {
  const { command, args, environment } = turboCommand({ tasks: ['build'] });
  await step('Building', 1000, () => runQuietly(command, args, environment));
}

/** Prepares the checkout for running its programs: checks versions, installs npm packages, builds TypeScript. */
export async function setUp() {
  requireNode();
  await installPackages();
  await build();
}

/** The built toolchain, with a context that prints its steps and stops them on Ctrl-C. */
export async function openToolchain() {
  const toolchain = await import(pathToFileURL(join(projectRoot, 'packages/toolchain/dist/index.js')).href);
  const interruption = new AbortController();
  const interrupt = () => interruption.abort(new SetupError('Interrupted.'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const context = toolchain.toolchainContext({ report: toolchain.terminalReporter(), signal: interruption.signal });
  return { toolchain, context, signal: interruption.signal };
}

/** Obtains redis-server and ffmpeg and returns an environment in which every program of the farm finds them. */
export async function obtainPrograms({ toolchain, context }) {
  const redisServer = await toolchain.obtainRedisServer(context);
  const { ffmpeg, ffprobe } = await toolchain.obtainFfmpeg(context);
  const folders = [...new Set([redisServer, ffmpeg, ffprobe].map((path) => dirname(path)))];
  return {
    ...process.env,
    FARM_REDIS_SERVER: redisServer,
    FARM_FFMPEG: ffmpeg,
    FARM_FFPROBE: ffprobe,
    PATH: [process.env.PATH, ...folders].join(delimiter),
  };
}

/** Prints a sentence where a person can do something, and the stack where it is a defect; the exit code becomes 1. */
export function reportFailure(error) {
  const isExpected = error instanceof SetupError || typeof error?.code === 'string';
  process.stderr.write(`\n${isExpected ? error.message : (error?.stack ?? error)}\n`);
  process.exitCode ||= 1;
}
