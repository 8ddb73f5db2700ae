// `npm run bench [-- filter…]`: every benchmark under benchmarks/, one after the other.
// A benchmark prints messages for people on stderr and one JSON object on stdout, with its ratios under `ratios`.
// TypeScript benchmarks run as benchmarks/dist/**/*.bench.js, in addition to **/*.bench.mjs and **/*.bench.py.
import { spawn } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { obtainPrograms, openToolchain, projectRoot, reportFailure, SetupError, setUp } from './setup.mjs';

const benchmarks = join(projectRoot, 'benchmarks');
const results = join(benchmarks, 'results');

async function findBenchmarks(filters) {
  const entries = await readdir(benchmarks, { recursive: true }).catch(() => []);
  const paths = entries.filter((path) => /\.bench\.(js|mjs|py)$/.test(path) && !path.includes('node_modules')).sort();
  const chosen = paths.filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)));
  if (chosen.length > 0) return chosen;
  throw new SetupError(
    `No benchmark to run. Requested: ${filters.join(', ') || 'all'}; available: ${paths.join(', ') || 'none'}.`,
  );
}

function runBenchmark(program, path, environment) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [join(benchmarks, path)], {
      cwd: projectRoot,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += bytes;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) reject(new SetupError(`${path} ended with exit code ${code}.`));
      else resolve(JSON.parse(output));
    });
  });
}

function printRatios(ratios) {
  for (const [name, ratio] of Object.entries(ratios ?? {}))
    process.stdout.write(`  ${ratio.toPrecision(3).padStart(8)} ×  ${name}\n`);
}

async function record(path, result, seconds) {
  const processors = cpus();
  const machine = {
    processor: processors[0]?.model,
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
  const measured = {
    at: new Date().toISOString(),
    node: process.version,
    machine,
    seconds,
    ...result,
  };
  const file = join(results, path.replace(/^dist\//, '').replace(/\.bench\.\w+$/, '.json'));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(measured, null, 2)}\n`);
}

async function runAll(filters) {
  await setUp();
  const opened = await openToolchain();
  const paths = await findBenchmarks(filters);
  const environment = await obtainPrograms(opened);
  const packageDirectory = join(projectRoot, 'packages/engine');
  const python = await opened.toolchain.obtainPython(opened.context, { packageDirectory });
  environment.PYTHONPATH = packageDirectory;
  for (const path of paths) {
    opened.signal.throwIfAborted();
    process.stdout.write(`\n${path}\n`);
    const start = performance.now();
    try {
      const result = await runBenchmark(path.endsWith('.py') ? python : process.execPath, path, environment);
      printRatios(result.ratios);
      await record(path, result, (performance.now() - start) / 1000);
    } catch (error) {
      reportFailure(error);
    }
  }
}

try {
  await runAll(process.argv.slice(2));
} catch (error) {
  reportFailure(error);
}
