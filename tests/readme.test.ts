import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestFarm, type TestFarm } from './support/test-farm.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const readme = await readFile(join(root, 'README.md'), 'utf8');

let test: TestFarm;
beforeAll(async () => {
  test = await openTestFarm();
}, 120_000);
afterAll(() => test.close());

/** The farm of this test instead of the one that the reader starts. */
const here = (text: string) =>
  text
    .replaceAll('http://127.0.0.1:8080', test.farm.url)
    .replaceAll('~/.local/share/avatar-farm', test.farm.directory.path)
    .replaceAll('talk.mp4', join(test.folder, 'talk.mp4'));

describe('the README', () => {
  it('has a curl example that works when pasted', async () => {
    const script = /```sh\n([\s\S]*?)```/.exec(readme)![1]!;
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here(script)], { cwd: root });
    expect(stdout.trim().split('\n').at(-1)).toContain('job-succeeded');
    expect((await stat(join(test.folder, 'talk.mp4'))).size).toBeGreaterThan(10_000);
  }, 120_000);

  it('has a submit command that saves a video', async () => {
    const command = /^ {4}npx farm (submit -i samples.*)$/m.exec(readme)![1]!;
    const farm = `${process.execPath} apps/cli/dist/main.js ${here(command).replace('talk.mp4', 'second.mp4')}`;
    const environment = { ...process.env, FARM_URL: test.farm.url, FARM_KEY: test.farm.adminKey };
    const { stdout } = await run('bash', ['-c', farm], { cwd: root, env: environment });
    expect(stdout).toMatch(/video: .*second\.mp4/);
  }, 120_000);

  it('names commands and pages that exist', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: object };
    for (const [, name] of readme.matchAll(/npm run (\w+)/g)) expect(Object.keys(scripts)).toContain(name);
    for (const [, path] of readme.matchAll(/\]\((?!http)([^)]+)\)/g)) await stat(join(root, path!));
    const { stdout } = await run(process.execPath, ['apps/cli/dist/main.js', '--help'], { cwd: root });
    for (const [, name] of readme.matchAll(/npx farm (\w+)/g)) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  });
});
