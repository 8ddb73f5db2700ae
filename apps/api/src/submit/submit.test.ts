import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { JobView, Problem } from '@farm/contracts';
import { getJob, KEY_PREFIX, registerWorker, removeWorker } from '@farm/records';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpeg, makeInputs, type TestInputs } from '../testing/inputs.js';
import { asBearer, call, formOf, type Parts, plainSpec, postJson, submit } from '../testing/requests.js';
import { startTestFarm, storedKeys, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
let inputs: TestInputs;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const parts = (spec: object = plainSpec): Parts => [
  ['spec', spec],
  ['portrait', inputs.portrait, 'portrait.png'],
  ['speech', inputs.speech, 'speech.wav'],
];
const codes = (job: JobView) => job.warnings.map(({ code }) => code);

beforeAll(async () => {
  farm = await startTestFarm();
  inputs = await makeInputs(farm.directory);
});
afterAll(() => farm.close());

describe('a submit', () => {
  it('stores both files whole, writes the record and resolves every default', async () => {
    const { status, headers, body: job } = await submit(farm, parts({ ...plainSpec, size: '704x384', seed: 7 }));
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/v1/jobs/${job.id}`);
    expect(job).toMatchObject({ status: 'preparing', owner: 'admin', vramClass: 'cpu', error: null });
    expect(job.spec).toMatchObject({ size: '704*384', width: 448, height: 576, seed: 7, engine: 'draft', steps: 4 });
    const record = await getJob(farm.records, job.id);
    for (const [input, sent] of [
      [record!.portrait, inputs.portrait],
      [record!.speech, inputs.speech],
    ] as const) {
      const object = await farm.storage.get(input.key);
      const bytes = await buffer(object!.stream);
      expect(bytes.equals(Buffer.from(await sent.arrayBuffer()))).toBe(true);
      expect(input).toMatchObject({ sha256: sha256(bytes), bytes: bytes.length });
    }
  });

  it('accepts the parts in any order, the spec as a file, and the path without /v1', async () => {
    const [spec, portrait, speech] = parts();
    const file: Parts[number] = ['spec', new Blob([JSON.stringify(plainSpec)]), 'spec.json'];
    for (const order of [
      [speech!, portrait!, spec!],
      [portrait!, spec!, speech!],
      [portrait!, speech!, file],
    ])
      expect((await submit(farm, order)).status).toBe(201);
    const unversioned = await call<JobView>(`${farm.url}/jobs`, farm.key, { method: 'POST', body: formOf(parts()) });
    expect(unversioned.status).toBe(201);
    expect((await call(`${farm.url}/jobs/${unversioned.body.id}`, farm.key)).status).toBe(200);
  });

  it('accepts the former names of the parts', async () => {
    const { status, body } = await submit(farm, [
      ['spec', plainSpec],
      ['image', inputs.portrait, 'portrait.png'],
      ['audio', inputs.speech, 'speech.wav'],
    ]);
    expect(status).toBe(201);
    const record = await getJob(farm.records, body.id);
    expect(record?.portrait.key).toBe(`jobs/${body.id}/input/portrait.png`);
    expect(record?.speech.key).toBe(`jobs/${body.id}/input/speech.wav`);
  });

  it('accepts the solver that every render uses, and drops it', async () => {
    const { body } = await submit(farm, parts({ ...plainSpec, solver: 'euler' }));
    expect(body.spec).not.toHaveProperty('solver');
    expect(codes(body)).not.toContain('setting-without-effect');
    const { body: warned } = await submit(farm, parts({ ...plainSpec, solver: 'euler', steps: 3 }));
    expect(warned.warnings.find(({ code }) => code === 'setting-without-effect')?.message).toMatch(/^steps concern/);
  });

  it('leaves nothing in the judging folder', async () => {
    await submit(farm, parts());
    expect((await readdir(farm.directory)).filter((name) => name.startsWith('farm-judge-'))).toEqual([]);
  });

  it('rounds framesPerClip up, counts clips, and cuts speech only when asked to', async () => {
    const rounded = await submit(farm, parts({ ...plainSpec, framesPerClip: 32 }));
    expect(rounded.body.spec.framesPerClip).toBe(36);
    expect(codes(rounded.body)).toContain('frames-per-clip-rounded');
    const refused = await submit<Problem>(farm, parts({ ...plainSpec, clips: 2 }));
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ code: 'speech-longer-than-clips', neededClips: 3 });
    const cut = await submit(farm, parts({ ...plainSpec, clips: 2, truncate: true }));
    expect(cut.status).toBe(201);
    expect(codes(cut.body)).toContain('speech-truncated');
    expect((await submit(farm, parts({ ...plainSpec, clips: 3 }))).status).toBe(201);
  });

  it('chooses the engine and the class by the live workers', async () => {
    const worker = { id: 'gpu-1', engineVersion: '1', host: 'h', gpu: 'H100' };
    await registerWorker(farm.records, { ...worker, vramClass: '80g', engine: 'liveavatar' });
    const live = await submit(farm, parts({ ...plainSpec, size: '704*384' }));
    expect(live.body).toMatchObject({ vramClass: '80g', spec: { engine: 'liveavatar' } });
    expect(codes(live.body)).not.toContain('no-worker');
    expect((await submit(farm, parts({ ...plainSpec, preset: 'preview' }))).body.spec.engine).toBe('draft');
    const large = await submit<Problem>(farm, parts({ ...plainSpec, size: '1920*1088' }));
    expect(large.body).toMatchObject({ status: 422, code: 'too-large-for-every-class' });
    expect(large.body.suggestions).toContain('engine draft');
    await registerWorker(farm.records, { ...worker, id: 'cpu-1', vramClass: 'cpu', engine: 'liveavatar' });
    expect((await submit(farm, parts())).body).toMatchObject({ vramClass: 'cpu', spec: { engine: 'liveavatar' } });
    for (const id of ['gpu-1', 'cpu-1']) await removeWorker(farm.records, id);
  });

  it('turns advice into warnings and accepts the job', async () => {
    const portrait = await ffmpeg(
      farm.directory,
      'small.jpg',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=200x300',
      '-frames:v',
      '1',
    );
    const sound = (expression: string, rate: number, name: string) =>
      ffmpeg(farm.directory, name, '-f', 'lavfi', '-i', `aevalsrc='${expression}':d=4:s=${rate}`);
    const submitWith = async (speech: Blob) =>
      codes(
        (
          await submit(farm, [
            ['spec', { prompt: 'a woman' }],
            ['portrait', portrait],
            ['speech', speech],
          ])
        ).body,
      );
    const expected = ['portrait-small', 'no-worker', 'prompt-short'];
    const silent = await submitWith(await sound('0', 16_000, 'silent.wav'));
    expect(silent.sort()).toEqual([...expected, 'speech-silent'].sort());
    const clipped = await submitWith(await sound('5*sin(880*t)*lt(mod(t,1),0.6)', 16_000, 'clipped.wav'));
    expect(clipped.sort()).toEqual([...expected, 'speech-clipped'].sort());
    const quiet = await submitWith(await sound('0.003*sin(880*t)*lt(mod(t,1),0.6)', 16_000, 'quiet.wav'));
    expect(quiet.sort()).toEqual([...expected, 'speech-quiet'].sort());
    const noisy = await submitWith(await sound('0.3*sin(880*t)*lt(mod(t,1),0.6)+0.2*random(0)', 8000, 'noisy.wav'));
    expect(noisy.sort()).toEqual([...expected, 'speech-noisy', 'speech-sample-rate'].sort());
    expect(codes((await submit(farm, parts())).body)).toEqual(['no-worker']);
  });

  it('repeats the first answer for an Idempotency-Key and refuses other contents under it', async () => {
    const headers = { 'idempotency-key': 'lesson-1' };
    const metadata = { course: 'physics', lesson: '1' };
    const first = await submit(farm, parts({ ...plainSpec, metadata }), headers);
    // What was hashed before the parts were renamed: a repeat after an upgrade must match.
    const image = sha256(Buffer.from(await inputs.portrait.arrayBuffer()));
    const audio = sha256(Buffer.from(await inputs.speech.arrayBuffer()));
    const hashed = JSON.stringify({ audio, image, spec: { metadata, prompt: plainSpec.prompt } });
    const kept = await farm.records.redis.hget(`${KEY_PREFIX}idempotency:admin:lesson-1`, 'body');
    expect(kept).toBe(sha256(Buffer.from(hashed)));
    await submit(farm, parts({ ...plainSpec, solver: 'euler' }), { 'idempotency-key': 'lesson-2' });
    const withSolver = JSON.stringify({ audio, image, spec: { prompt: plainSpec.prompt, solver: 'euler' } });
    const keptWithSolver = await farm.records.redis.hget(`${KEY_PREFIX}idempotency:admin:lesson-2`, 'body');
    expect(keptWithSolver).toBe(sha256(Buffer.from(withSolver)));
    const before = await storedKeys(farm.storage);
    const sameInAnotherOrder = { metadata: { lesson: '1', course: 'physics' }, ...plainSpec };
    const again = await submit(farm, parts(sameInAnotherOrder), headers);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.id).toBe(first.body.id);
    const formerNames: Record<string, string> = { portrait: 'image', speech: 'audio' };
    const former = parts({ ...plainSpec, metadata }).map(([name, ...rest]): Parts[number] => [
      formerNames[name] ?? name,
      ...rest,
    ]);
    expect((await submit(farm, former, headers)).body.id).toBe(first.body.id);
    const other = await submit<Problem>(farm, parts({ ...plainSpec, seed: 1 }), headers);
    expect(other.body).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    expect(await storedKeys(farm.storage)).toEqual(before);
    const someoneElse = { url: farm.url, key: await farm.newKey('someone-else') };
    expect((await submit(someoneElse, parts(), headers)).status).toBe(201);
  });

  it('repeats a job whose spec had the solver when its Idempotency-Key was first used, before an upgrade', async () => {
    const headers = { 'idempotency-key': 'with-a-solver' };
    const first = await submit(farm, parts(), headers);
    const image = sha256(Buffer.from(await inputs.portrait.arrayBuffer()));
    const audio = sha256(Buffer.from(await inputs.speech.arrayBuffer()));
    const spec = { prompt: plainSpec.prompt, solver: 'euler' };
    const hashed = sha256(Buffer.from(JSON.stringify({ audio, image, spec })));
    await farm.records.redis.hset(`${KEY_PREFIX}idempotency:admin:with-a-solver`, 'body', hashed);
    const again = await submit(farm, parts({ ...plainSpec, solver: 'euler' }), headers);
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
  });

  it('accepts files that were uploaded to signed URLs', async () => {
    const ids: string[] = [];
    for (const [fileName, bytes] of [
      ['me.png', inputs.portrait],
      ['lesson.wav', inputs.speech],
    ] as const) {
      const upload = await call<{ id: string; url: string }>(
        `${farm.url}/v1/uploads`,
        farm.key,
        postJson({ fileName }),
      );
      expect(upload.status).toBe(201);
      const url = upload.body.url.replace('http://127.0.0.1:0', farm.url);
      expect((await fetch(url, { method: 'PUT', body: bytes })).status).toBe(200);
      expect((await fetch(url)).status).toBe(403);
      ids.push(upload.body.id);
    }
    const [portrait, speech] = ids;
    const job = await call<JobView>(`${farm.url}/v1/jobs`, farm.key, postJson({ spec: plainSpec, portrait, speech }));
    expect(job.status).toBe(201);
    const record = await getJob(farm.records, job.body.id);
    expect(record?.speech.sha256).toBe(sha256(Buffer.from(await inputs.speech.arrayBuffer())));
    expect(record?.speech.key).toBe(`jobs/${job.body.id}/input/speech.wav`);

    const former = { spec: plainSpec, image: portrait, audio: speech };
    expect((await call(`${farm.url}/v1/jobs`, farm.key, postJson(former))).status).toBe(201);
    const doubled = await call(`${farm.url}/v1/jobs`, farm.key, postJson({ ...former, speech }));
    expect(doubled.body).toMatchObject({ status: 422, code: 'duplicate-part', part: 'speech' });

    const stranger = await farm.newKey('stranger');
    const stolen = await call(`${farm.url}/v1/jobs`, stranger, postJson({ spec: plainSpec, portrait, speech }));
    expect(stolen.body).toMatchObject({ status: 422, code: 'upload-not-found', field: 'portrait' });
  });

  it('is refused with the name of the limit when the owner has too much under way', async () => {
    const key = await farm.newKey('busy');
    await call(`${farm.url}/v1/owners/busy/limits`, farm.key, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ unendedJobs: 1 }),
    });
    const busy = { url: farm.url, key };
    const first = await submit(busy, parts(), { 'idempotency-key': 'one' });
    const before = await storedKeys(farm.storage);
    const second = await submit<Problem>(busy, parts());
    expect(second.body).toMatchObject({
      status: 429,
      code: 'quota-exceeded',
      limit: 'unendedJobs',
      maximum: 1,
      used: 1,
    });
    expect(await storedKeys(farm.storage)).toEqual(before);
    expect((await submit(busy, parts(), { 'idempotency-key': 'one' })).status).toBe(200);
    await fetch(`${farm.url}/v1/jobs/${first.body.id}/cancel`, { method: 'POST', headers: asBearer(key) });
    expect((await submit(busy, parts())).status).toBe(201);
  });

  it('plans without files by the same checks', async () => {
    const plan = (spec: object, portrait = { width: 720, height: 400 }, speechSeconds = 10) =>
      call<Record<string, unknown>>(`${farm.url}/v1/plan`, farm.key, postJson({ spec, portrait, speechSeconds }));
    const fits = await plan({ ...plainSpec, size: '704*384', engine: 'liveavatar' });
    expect(fits.body).toMatchObject({
      width: 704,
      height: 384,
      vramClass: '80g',
      frameCount: 250,
      clipCount: 6,
      workers: 0,
    });
    expect(fits.body.predictedPeakGB).toBeCloseTo(81.0, 5);
    const refused = await plan({ ...plainSpec, size: '1920*1088', engine: 'liveavatar' });
    expect(refused.body).toMatchObject({ status: 422, code: 'too-large-for-every-class' });
    expect((await plan({ ...plainSpec, nope: 1 })).body).toMatchObject({ code: 'unknown-field' });
    expect((await plan(plainSpec, undefined, 8000)).body).toMatchObject({ code: 'speech-too-long' });
  });
});
