import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { samplePortrait, sampleSpeech } from '@farm/local-farm';
import { obtainPythonPackages, toolchainContext } from '@farm/toolchain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestFarm, type TestFarm } from './support/test-farm.js';

const GENERATOR = 'openapi-python-client==0.29.1';
const ownFolder = join(import.meta.dirname, 'generated-client');
const run = promisify(execFile);

let test: TestFarm;
let python: string;
let packageFolder: string;

beforeAll(async () => {
  const label = 'the generator of Python clients';
  python = await obtainPythonPackages(toolchainContext(), { label, requirements: [GENERATOR] });
  test = await openTestFarm();
  packageFolder = join(test.folder, 'farm_client');
}, 300_000);
afterAll(() => test?.close());

/** Python modules below a folder of the package. */
async function modulesIn(folder: string): Promise<string[]> {
  const names = await readdir(join(packageFolder, folder), { recursive: true });
  return names.filter((name) => name.endsWith('.py') && !name.endsWith('__init__.py'));
}

describe('a Python client generated from /openapi.json', () => {
  it('is whole: no warning, a module for every operation, a few dozen models', async () => {
    const url = `${test.farm.url}/openapi.json`;
    const config = join(ownFolder, 'openapi-python-client.yaml');
    await run(
      python,
      [
        ...['-m', 'openapi_python_client', 'generate', '--url', url, '--config', config],
        ...['--meta', 'none', '--output-path', packageFolder, '--fail-on-warning'],
      ],
      { cwd: test.folder },
    );
    const { paths } = (await (await fetch(url)).json()) as { paths: Record<string, object> };
    const operations = Object.values(paths).flatMap((methods) => Object.keys(methods));
    expect(await modulesIn('api')).toHaveLength(operations.length);
    expect((await modulesIn('models')).length).toBeLessThan(80);
  }, 60_000);

  it('submits a job, waits for it and downloads its video', async () => {
    const video = join(test.folder, 'video.mp4');
    const program = join(ownFolder, 'render_a_video.py');
    const { stdout } = await run(python, [program, test.farm.url, samplePortrait, sampleSpeech, video], {
      env: { ...process.env, PYTHONPATH: test.folder, PYTHONDONTWRITEBYTECODE: '1', FARM_KEY: test.farm.adminKey },
      timeout: 110_000,
    });
    const manifest = await test.manifest(stdout.trim());
    const bytes = await readFile(video);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(manifest.video.sha256);
  }, 120_000);
});
