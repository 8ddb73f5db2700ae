// `npm run soak -- --faults`: a real farm whose every step is disturbed, from a seed. See `--help`.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { obtainPrograms, openToolchain, projectRoot, reportFailure, SetupError, setUp } from './setup.mjs';

const help = `Usage: npm run soak -- --faults [options]
       npm run soak -- --recovery [options]

Runs a real farm (Redis, MinIO, API, scheduler, workers with the draft engine) behind proxies that cut, delay and drop
single requests and replies, and kill or freeze processes. Every job must succeed with the frames of an undisturbed run.

  --faults          rounds of one job each, with one or two faults drawn from the seed
  --recovery        a list of single faults, one job at a time: how long each takes to recover from

  --rounds NUMBER   jobs to disturb (1000)
  --seed NUMBER     where the faults are drawn from (1); a failed round prints the seed that repeats it
  --jobs NUMBER     jobs at a time (4)
  --workers NUMBER  workers (2)
  --repeat NUMBER   with --recovery: how often each fault is tried (3)
  --only TEXT       with --recovery: only the faults whose name contains TEXT
  --output FILE     write the result there, as JSON; with --recovery beside those of other labels in the file
  --label TEXT      with --recovery: the column that this is measured for (now)
  --help            show this

The exit code is 1 when a round failed or anything was left over.
`;

function readOptions(words) {
  const number = { type: 'string' };
  const { values } = parseArgs({
    args: words,
    options: {
      faults: { type: 'boolean' },
      recovery: { type: 'boolean' },
      rounds: { ...number, default: '1000' },
      seed: { ...number, default: '1' },
      jobs: { ...number, default: '4' },
      workers: { ...number, default: '2' },
      repeat: { ...number, default: '3' },
      only: { type: 'string' },
      output: { type: 'string' },
      label: { type: 'string', default: 'now' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return values;
  if (Boolean(values.faults) === Boolean(values.recovery))
    throw new SetupError(`Name one of --faults and --recovery.\n\n${help}`);
  for (const name of ['rounds', 'seed', 'jobs', 'workers', 'repeat']) {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new SetupError(`--${name} is ${values[name]}; write a whole number from 1 up.`);
    values[name] = value;
  }
  return values;
}

async function openSoak() {
  await setUp();
  const { toolchain, context, signal } = await openToolchain();
  const environment = await obtainPrograms({ toolchain, context });
  const minio = await toolchain.obtainMinio(context);
  if ('reason' in minio) throw new SetupError(minio.reason);
  Object.assign(process.env, environment, {
    FARM_MINIO: minio.path,
    PATH: `${environment.PATH}:${dirname(minio.path)}`,
  });
  const soak = await import(pathToFileURL(join(projectRoot, 'tests/dist/soak/index.js')).href);
  return { soak, toolchain: toolchain.toolchainContext({ signal }), signal };
}

const report = (line) => process.stderr.write(`${line}\n`);

async function runFaults({ rounds, seed, jobs: inFlight, workers: workerCount }, { soak, toolchain }) {
  const result = await soak.runSoak({
    rounds,
    seed,
    inFlight,
    workerCount,
    toolchain,
    report,
    keepOnFailure: true,
  });
  process.stdout.write(`\n${soak.describeSoak(result)}\n`);
  if (result.problems.length > 0 || result.rounds.some((round) => round.problems.length > 0)) process.exitCode = 1;
  return { ...result, faults: soak.summarizeFaults(result) };
}

async function runRecovery({ repeat, only, label, output }, { soak, toolchain }) {
  const earlier = output === undefined ? {} : JSON.parse(await readFile(output, 'utf8').catch(() => '{}'));
  const result = await soak.runRecovery({ repeat, only, toolchain, report });
  const versions = { ...earlier, [label]: result };
  process.stdout.write(`\n${soak.describeRecovery(versions)}\n`);
  return versions;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(help);
  else {
    const opened = await openSoak();
    const result = await (options.faults ? runFaults : runRecovery)(options, opened);
    if (options.output) await writeFile(options.output, `${JSON.stringify(result, null, 2)}\n`);
    opened.signal.throwIfAborted();
  }
} catch (error) {
  reportFailure(error);
}
