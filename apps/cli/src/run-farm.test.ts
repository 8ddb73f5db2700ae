import { readFile } from 'node:fs/promises';
import { ApiError, ApiUnreachableError } from '@farm/client';
import { freePort } from '@farm/toolchain';
import { expect, test } from 'vitest';
import { exitCodeOf } from './exit-code-of.js';
import { exitCodesTable } from './exit-codes.js';
import { createOutput } from './output/output.js';
import { createProgram } from './program.js';
import { runCaptured } from './testing/run-captured.js';

const quiet = { write: () => true };
const program = createProgram({
  environment: {},
  output: createOutput({ stdout: quiet, stderr: quiet, environment: {} }),
  signal: new AbortController().signal,
});
const commands = program.commands.flatMap((command) =>
  command.commands.length > 0 ? command.commands.map((child) => [command.name(), child.name()]) : [[command.name()]],
);
const groups = program.commands.flatMap((command) => (command.commands.length > 0 ? [[command.name()]] : []));

test.each([...commands, ...groups])('farm %s %s explains itself, with an example', async (...words) => {
  const path = words.filter((word) => typeof word === 'string');
  const own = await runCaptured([...path, '--help']);
  expect(own.code).toBe(0);
  expect(own.stdout).toMatch(/^Usage: farm /);
  expect(own.stdout).toContain('\nExamples:\n  $ ');
});

test.each(commands.filter(([name]) => name !== 'completion'))('farm %s %s has --json', async (...words) => {
  const path = words.filter((word) => typeof word === 'string');
  expect((await runCaptured([...path, '--help'])).stdout).toMatch(/^ {2}--json +\S/m);
});

test('the help and the documentation list the exit codes (node apps/cli/scripts/write-docs.mjs updates them)', async () => {
  expect((await runCaptured(['--help'])).stdout).toMatch(/Exit codes:\n +0 {2}done\n/);
  const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
  expect(page).toContain(exitCodesTable());
});

test.each([
  [['sumbit'], "unknown command 'sumbit'\n(Did you mean submit?)"],
  [['list', '--stauts', 'queued'], "unknown option '--stauts'\n(Did you mean --status?)"],
  [['list', '--status', 'broken'], 'Allowed choices are preparing, queued'],
  [['list', '--limit', 'many'], '--limit: write a whole number from 1 to 200, not "many".'],
  [['watch'], "missing required argument 'job'"],
  [['workers', 'drian', 'gpu-7'], 'farm workers has no command "drian". It has: list, drain.'],
  [['limits', 'set', 'bio'], 'Name a limit: --requests-per-minute or --unended-jobs.'],
  [['limits', 'set', 'bio', '--unended-jobs', '0'], '--unended-jobs: write a whole number from 1 to 1000000, not "0".'],
])('a wrong command line is exit code 2: %j', async (words, sentence) => {
  const { code, stdout, stderr } = await runCaptured(words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(sentence);
});

test.each([
  [['list', '--json', '--stauts', 'queued'], "unknown option '--stauts'\n(Did you mean --status?)"],
  [['list', '--json', '--limit', '0'], '--limit: write a whole number from 1 to 200, not "0".'],
  [['delete', '--json'], "missing required argument 'jobs'"],
])('a program gets JSON: %j', async (words, message) => {
  const { code, stdout, stderr } = await runCaptured(words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(JSON.parse(stderr)).toEqual({ error: { code: 'usage', message } });
});

test('an unavailable API is reported immediately, while the call is repeated; Ctrl-C ends that', async () => {
  const environment = { HOME: '/nonexistent', FARM_URL: `http://127.0.0.1:${await freePort()}` };
  const stop = new AbortController();
  const { code, stderr } = await runCaptured(['list'], {
    environment,
    signal: stop.signal,
    onStderr: () => stop.abort(),
  });
  expect(stderr).toMatch(/^Trying again: connect ECONNREFUSED 127.0.0.1:\d+\nInterrupted.\n$/);
  expect(code).toBe(130);
});

test.each([
  [401, 6],
  [403, 6],
  [404, 4],
  [409, 9],
  [413, 3],
  [422, 3],
  [429, 10],
  [500, 1],
  [503, 5],
])('HTTP %i becomes exit code %i', (status, code) => {
  const problem = { type: 'about:blank', title: 'x', status, detail: 'x', code: 'x' };
  expect(exitCodeOf(new ApiError(problem))).toBe(code);
  expect(exitCodeOf(new ApiUnreachableError('http://farm', new Error('ECONNREFUSED')))).toBe(5);
});
