// Jobs per second and milliseconds per job through POST /v1/jobs of a real farm, next to the same bytes sent to a bare route.
import { execFile, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { samplePortrait, sampleSpeech } from '@farm/local-farm';
import { countJobs, setClassPaused } from '@farm/records';
import { withLocalFarm } from './support/local-farm.mjs';
import { provenance } from './support/provenance.mjs';
import { latency, round } from './support/quantiles.mjs';

/** Farm and bare route alternate, so that both see the same machine. */
const TURNS = 4;
const CONCURRENCIES = [1, 8];
const SUBMIT_TURN_MS = 4000;
const BARE_TURN_MS = 1000;
const WARM_UP_MS = 1500;
const PROGRAM_STARTS = 40;
const SPEC = { prompt: 'A woman speaks to the camera in a bright room, friendly and calm', engine: 'draft' };

const run = promisify(execFile);
const portrait = new Blob([await readFile(samplePortrait)]);
const speech = new Blob([await readFile(sampleSpeech)]);

/** Sends the sample once. @returns milliseconds until the whole response has arrived */
async function upload(url, key) {
  const body = new FormData();
  body.append('spec', JSON.stringify(SPEC));
  body.append('portrait', portrait, 'portrait.jpg');
  body.append('speech', speech, 'speech.wav');
  const headers = { authorization: `Bearer ${key}`, 'idempotency-key': randomUUID() };
  const start = performance.now();
  const response = await fetch(url, { method: 'POST', headers, body });
  const answer = await response.text();
  if (response.status !== 201) throw new Error(`${url} responded with ${response.status}: ${answer}`);
  return performance.now() - start;
}

/** Uploads for `forMs`, with `concurrency` in flight at any time; those in flight at the end are finished. */
async function uploadMany(send, { forMs, concurrency }) {
  const samples = [];
  const start = performance.now();
  const sender = async () => {
    while (performance.now() - start < forMs) samples.push(await send());
  };
  await Promise.all(Array.from({ length: concurrency }, sender));
  return { samples, seconds: (performance.now() - start) / 1000 };
}

function summary(turns) {
  const samples = turns.flatMap((turn) => turn.samples);
  const seconds = turns.reduce((sum, turn) => sum + turn.seconds, 0);
  return { ...latency(samples), perSecond: round(samples.length / seconds) };
}

async function measureLevel({ submit, uploadBare }, concurrency) {
  const turns = { submit: [], bare: [] };
  for (let turn = 0; turn < TURNS; turn += 1) {
    turns.submit.push(await uploadMany(submit, { forMs: SUBMIT_TURN_MS, concurrency }));
    turns.bare.push(await uploadMany(uploadBare, { forMs: BARE_TURN_MS, concurrency }));
  }
  return { concurrency, submit: summary(turns.submit), bareUpload: summary(turns.bare) };
}

/** The cost of starting one of the two programs that judge a submit: one for the portrait, one for the speech. */
async function timeProgramStarts(ffprobe) {
  const samples = [];
  for (let index = 0; index < PROGRAM_STARTS; index += 1) {
    const start = performance.now();
    await run(ffprobe, ['-version']);
    samples.push(performance.now() - start);
  }
  return latency(samples);
}

async function startBareServer(folder) {
  await mkdir(folder);
  const server = fork(fileURLToPath(new URL('support/bare-upload-server.mjs', import.meta.url)), [folder]);
  const [url] = await once(server, 'message');
  return { url, stop: () => server.kill() };
}

const unlimited = { FARM_MAX_REQUESTS_PER_MINUTE: '1000000', FARM_MAX_UNENDED_JOBS: '1000000' };
const result = await withLocalFarm(unlimited, async ({ farm, redis, folder }) => {
  const facts = await provenance(redis);
  // The jobs stay in preparation: only the submit is measured.
  await setClassPaused({ redis }, 'media', true);
  const bare = await startBareServer(join(folder, 'bare'));
  try {
    const submit = () => upload(`${farm.url}/v1/jobs`, farm.adminKey);
    const uploadBare = () => upload(bare.url, 'none');
    const warmUp = await uploadMany(submit, { forMs: WARM_UP_MS, concurrency: 1 });
    await uploadMany(uploadBare, { forMs: WARM_UP_MS, concurrency: 1 });
    const levels = [];
    for (const concurrency of CONCURRENCIES) levels.push(await measureLevel({ submit, uploadBare }, concurrency));
    const programStart = await timeProgramStarts(farm.environment.FARM_FFPROBE);
    const sent = levels.reduce((sum, level) => sum + level.submit.count, warmUp.samples.length);
    const { preparing } = await countJobs({ redis }, ['preparing']);
    if (preparing !== sent) throw new Error(`${sent} jobs were accepted, but the farm has ${preparing}.`);
    const [alone, together] = levels;
    const ratios = {
      'submit over a bare upload, one at a time, p50': alone.submit.p50Ms / alone.bareUpload.p50Ms,
      'submit over a bare upload, eight at a time, p50': together.submit.p50Ms / together.bareUpload.p50Ms,
      'submit over the start of one ffprobe, one at a time, p50': alone.submit.p50Ms / programStart.p50Ms,
      'submits per second, eight at a time over one': together.submit.perSecond / alone.submit.perSecond,
    };
    return { ...facts, ratios, bytesPerJob: portrait.size + speech.size, levels, programStart };
  } finally {
    bare.stop();
  }
});
process.stdout.write(JSON.stringify(result));
