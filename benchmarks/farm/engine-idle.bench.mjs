// How long a draft worker's engine stalls while there is work: between two tasks, between two pieces, and in all.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FarmClient } from '@farm/client';
import { hasEnded } from '@farm/contracts';
import { enginePath, samplePortrait, sampleSpeech } from '@farm/local-farm';
import { getAttempts, getTasks } from '@farm/records';
import { obtainPython, toolchainContext } from '@farm/toolchain';
import { withLocalFarm } from './support/local-farm.mjs';
import { provenance } from './support/provenance.mjs';
import { latency, round } from './support/quantiles.mjs';

/** Many short segments show the cost of a task's border; the default length shows what it costs a job. */
const SETTINGS = {
  shortSegments: { jobs: 2, spec: { segmentClips: 2 } },
  defaultSegments: { jobs: 4, spec: {} },
};
const tap = fileURLToPath(new URL('support/engine-tap.mjs', import.meta.url));
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** A program that the worker runs as its Python, and that writes notes to `tapFile`. */
async function tappedPython(folder, tapFile) {
  const python = await obtainPython(toolchainContext(), { packageDirectory: enginePath });
  const path = join(folder, 'tapped-python');
  const words = [process.execPath, tap, tapFile, python].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  await writeFile(path, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 });
  return path;
}

async function renderJobs(client, { jobs, spec }) {
  const submission = {
    spec: { prompt: 'A woman speaks to the camera', seed: 7, engine: 'draft', ...spec },
    portraitPath: samplePortrait,
    speechPath: sampleSpeech,
  };
  const submitted = await Promise.all(Array.from({ length: jobs }, () => client.submitJob(submission)));
  for (const { id } of submitted) {
    let job = await client.getJob(id);
    while (!hasEnded(job.status)) {
      await sleep(200);
      job = await client.getJob(id);
    }
    if (job.status !== 'succeeded') throw new Error(`A job ended as ${job.status}: ${JSON.stringify(job.error)}`);
  }
  return submitted.map(({ id }) => id);
}

/** Every render of these jobs in order of time, as the tap and the records saw it. */
async function rendersOf(redis, jobIds, tapFile) {
  const notes = (await readFile(tapFile, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const tasks = (await Promise.all(jobIds.map((id) => getTasks({ redis }, id)))).flat();
  const renders = await Promise.all(
    tasks
      .filter(({ kind }) => kind === 'render')
      .map(async (task) => {
        const [attempt] = await getAttempts({ redis }, task.id);
        const own = notes.filter(({ renderId }) => renderId === attempt.id);
        const [began] = own.filter(({ type }) => type === 'render');
        const [finished] = own.filter(({ type }) => type === 'finished');
        return { task, attempt, began, finished, borders: bordersOf(own) };
      }),
  );
  return renders.sort((a, b) => a.began.atMs - b.began.atMs);
}

/** Notes at the end of every piece but the last, and a moment later. */
function bordersOf(notes) {
  const passed = notes.filter(({ type }) => type === 'border-passed');
  const ended = notes.filter(({ type }) => type === 'piece-finished').slice(0, -1);
  return ended.map((from) => ({ from, to: passed.find(({ index }) => index === from.index) }));
}

/** Time from one render's `finished` to the next `render`, where the next task was ready by then. */
function gapsBetween(renders) {
  const pairs = renders.slice(1).map((next, index) => ({ before: renders[index], next }));
  const waiting = pairs.filter(({ before, next }) => next.task.readyAt <= before.finished.atMs);
  return waiting.map(({ before, next }) => ({
    idleMs: next.began.atMs - before.finished.atMs,
    commitMs: before.attempt.endedAt - before.finished.atMs,
    claimMs: next.attempt.startedAt - before.attempt.endedAt,
    fetchMs: next.began.atMs - next.attempt.startedAt,
  }));
}

/** Time between two notes in which the engine's main thread neither ran nor waited for a processor. */
function stallMs(from, to) {
  const busyMs = to.ranMs - from.ranMs + to.queuedMs - from.queuedMs;
  return Math.max(0, to.clockMs - from.clockMs - busyMs);
}

function summary(renders) {
  const gaps = gapsBetween(renders);
  const renderMs = sum(renders.map(({ began, finished }) => finished.clockMs - began.clockMs));
  const pieces = sum(renders.map(({ began }) => began.pieceCount));
  const insideMs = sum(renders.map(({ began, finished }) => stallMs(began, finished)));
  const borders = renders.flatMap((render) => render.borders.map(({ from, to }) => stallMs(from, to)));
  const part = (name) => latency(gaps.map((gap) => gap[name])).p50Ms;
  return {
    renders: renders.length,
    pieces,
    frames: sum(renders.map(({ task }) => task.frameCount)),
    renderSeconds: renderMs / 1000,
    betweenTasks: {
      ...latency(gaps.map(({ idleMs }) => idleMs)),
      medianPartsMs: { commit: part('commitMs'), claim: part('claimMs'), fetch: part('fetchMs') },
    },
    betweenPieces: latency(borders),
    insideRenders: { stallSeconds: round(insideMs / 1000), msPerPiece: round(insideMs / pieces) },
    shares: {
      betweenTasks: sum(gaps.map(({ idleMs }) => idleMs)) / gaps.length / (renderMs / renders.length),
      betweenPieces: sum(borders) / renderMs,
      insideRenders: insideMs / renderMs,
    },
  };
}

const folder = await mkdtemp(join(tmpdir(), 'measured-farm-'));
try {
  const tapFile = join(folder, 'tap.jsonl');
  const settings = { FARM_PYTHON: await tappedPython(folder, tapFile) };
  const result = await withLocalFarm(settings, async ({ farm, redis }) => {
    const facts = await provenance(redis);
    const client = new FarmClient({ url: farm.url, key: farm.adminKey });
    const measured = {};
    for (const [name, setting] of Object.entries(SETTINGS)) {
      const jobIds = await renderJobs(client, setting);
      measured[name] = summary(await rendersOf(redis, jobIds, tapFile));
    }
    const { shortSegments, defaultSegments } = measured;
    const ratios = {
      'idle between tasks over render time, short segments': shortSegments.shares.betweenTasks,
      'idle between tasks over render time, default segments': defaultSegments.shares.betweenTasks,
      'idle between pieces over render time, default segments': defaultSegments.shares.betweenPieces,
      'all stalls inside renders over render time, default segments': defaultSegments.shares.insideRenders,
    };
    return { ...facts, ratios, ...measured };
  });
  process.stdout.write(JSON.stringify(result));
} finally {
  await rm(folder, { recursive: true, force: true });
}
