import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const modules = new URL('../dist/index.js', import.meta.url).href;

/** A program that runs `body` as its main function. */
function start(body: string) {
  const program = `
    import { createLogger, ConfigurationError, runProcess, untilStopSignal } from '${modules}';
    const log = createLogger({ level: 'info', base: null });
    await runProcess(async (resources) => { ${body} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([once(child, 'exit'), text(child.stderr)]);
  return { child, ended };
}

const waiting = `
  resources.add(() => console.log('closed'));
  const stopping = untilStopSignal(log);
  process.stdout.write('open');
  await stopping;`;

it('closes what was opened and exits with 0 after the first stop signal', async () => {
  const { child, ended } = start(waiting);
  let output = '';
  child.stdout.on('data', (bytes) => {
    output += bytes;
    if (String(bytes).includes('open')) child.kill('SIGTERM');
  });
  expect((await ended)[0]).toEqual([0, null]);
  // The log and the console write independently: only what they say is certain, not the order.
  expect(output).toContain('stopping; a second signal ends the process immediately');
  expect(output).toContain('closed\n');
});

it('ends immediately, with 1, on a second stop signal', async () => {
  const { child, ended } = start(`${waiting}; log.info('leaving'); await new Promise((r) => setTimeout(r, 60_000));`);
  child.stdout.on('data', (bytes) => {
    if (/open|leaving/.test(String(bytes))) child.kill('SIGTERM');
  });
  expect((await ended)[0]).toEqual([1, null]);
});

it.each([
  [
    'a failure that has a name, as one sentence',
    `throw new ConfigurationError('worker', ['FARM_ENGINE: wrong'])`,
    /^The worker cannot start with these settings\. FARM_ENGINE: wrong\n$/,
  ],
  ['any other failure, with its stack', `throw new TypeError('broken')`, /TypeError: broken\n +at /],
])('exits with 1 and prints %s', async (_what, body, printed) => {
  const [exit, output] = await start(`${body};`).ended;
  expect(exit).toEqual([1, null]);
  expect(output).toMatch(printed);
});

it('prints the causes of a failure, and not what errors carry along, such as a password', async () => {
  const failure = `Object.assign(new TypeError('broken', { cause: new Error('deeper') }), { args: ['AUTH', 'secret'] })`;
  const [, output] = await start(`throw ${failure};`).ended;
  expect(output).toMatch(/TypeError: broken\n +at .*Caused by: Error: deeper\n +at /s);
  expect(output).not.toContain("secret'");
});
