import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toolchainContext } from './context.js';
import { findOnPath } from './find-program.js';
import { obtainPython } from './obtain-python.js';
import { type ScratchMachine, scratchMachine } from './testing.js';

const run = promisify(execFile);
let machine: ScratchMachine;
let packageDirectory: string;

async function writePyproject(text: string): Promise<void> {
  await mkdir(packageDirectory, { recursive: true });
  await writeFile(join(packageDirectory, 'pyproject.toml'), text);
}

/** Makes the Python that runs these tests the machine's `python3`. */
async function usePython(name = 'python3'): Promise<void> {
  const context = toolchainContext();
  const python = await findOnPath(context, 'python3');
  await machine.script(
    name,
    `PATH='${context.environment.PATH}' HOME='${context.environment.HOME}' exec '${python}' "$@"`,
  );
}

beforeEach(async () => {
  machine = await scratchMachine();
  packageDirectory = join(machine.root, 'engine');
  await writePyproject('[project]\nname = "engine"\ndependencies = []\n[project.optional-dependencies]\ntest = []\n');
});

afterEach(() => machine.remove());

test('builds a working environment once for the same dependencies', async () => {
  await machine.script('python3', 'exit 1');
  await machine.script('python', 'echo 3 9');
  await usePython('python3.11');
  const python = await obtainPython(machine.context(), { packageDirectory });
  const { stdout } = await run(python, ['-c', 'import sys; print(sys.prefix)']);
  expect(python).toBe(join(stdout.trim(), 'bin/python'));
  expect(await obtainPython(machine.context(), { packageDirectory, extras: ['test'] })).toBe(python);
  expect(machine.steps.map((step) => step.kind)).toEqual(['started', 'finished']);
}, 60_000);

test('says which package has venv where Python comes without it', async () => {
  await machine.script(
    'python3',
    `case "$*" in *venv*) echo "ensurepip is not available" >&2; exit 1 ;; *) printf '3 12\\n3.12.3 /usr linux\\n' ;; esac`,
  );
  await expect(obtainPython(machine.context(), { packageDirectory })).rejects.toThrow(
    /ensurepip is not available.*sudo apt-get install python3\.12-venv/,
  );
});

test('without a Python that is new enough, says what to install', async () => {
  await machine.script('python3', `printf '3 9\\n3.9.2 /usr linux\\n'`);
  await expect(obtainPython(machine.context(), { packageDirectory })).rejects.toThrow(
    /Python 3\.10 or newer is missing.*apt-get install python3 python3-venv/,
  );
});

test('names an extra that the package does not have', async () => {
  await expect(obtainPython(machine.context(), { packageDirectory, extras: ['gpu'] })).rejects.toThrow(
    /no extra "gpu"; it has: test/,
  );
});
