import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runCaptured } from '../testing/run-captured.js';

const run = promisify(execFile);

async function script(shell: string): Promise<string> {
  const { code, stdout } = await runCaptured(['completion', shell]);
  expect(code).toBe(0);
  return stdout;
}

/** What bash offers when Tab is pressed after these words. */
async function complete(...words: string[]): Promise<string[]> {
  const program = `${await script('bash')}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _farm; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['--norc', '-c', program, 'bash', ...words]);
  return stdout.split('\n').filter(Boolean);
}

test('bash completes commands, options and known values', async () => {
  expect(await complete('farm', 'su')).toEqual(['submit']);
  expect(await complete('farm', 'keys', '')).toEqual(['create', 'list', 'revoke', 'rotate', 'self', '--help']);
  expect(await complete('farm', 'keys', 'create', '--role', '')).toEqual(['submit', 'operator', 'admin']);
  expect(await complete('farm', 'work')).toEqual(['worker', 'workers']);
  expect(await complete('farm', 'workers', 'd')).toEqual(['drain']);
  expect(await complete('farm', 'workers', '--j')).toEqual(['--json']);
  expect(await complete('farm', 'workers', 'drain', '--w')).toEqual(['--wait']);
  expect(await complete('farm', 'limits', '')).toEqual(['show', 'set', 'reset', '--help']);
  expect(await complete('farm', 'submit', '--json', '--preset', 'st')).toEqual(['standard']);
  expect(await complete('farm', 'list', '--st')).toEqual(['--status']);
  expect(await complete('farm', 'completion', '')).toEqual(['bash', 'zsh', 'fish', '--help']);
});

test('bash completes files where a file belongs', async () => {
  expect(await complete('farm', 'submit', '--portrait', '/etc/host')).toContain('/etc/hosts');
});

test('fish keeps the options of `keys list` from those of `list`', async () => {
  const lines = (await script('fish')).split('\n');
  const status = lines.filter((line) => line.includes('-l status'));
  expect(status).toHaveLength(1);
  expect(status[0]).toContain(
    "-n '__fish_seen_subcommand_from list; and not __fish_seen_subcommand_from workers keys limits storage weights'",
  );
});

test('an unknown shell is refused, and the known ones are listed', async () => {
  const { code, stderr } = await runCaptured(['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
