// Resident memory of the API process while it receives large uploads, relative to their size: a real server, real Redis,
// filesystem storage. One recording of FARM_BENCH_UPLOAD_BYTES (1 GB), then ten concurrently.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, statfs } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { mainFiles, samplePortrait } from '@farm/local-farm';
import { createApiKey } from '@farm/records';
import { freePort } from '@farm/toolchain';
import { withPrivateRedis } from '../farm/support/private-redis.mjs';
import { provenance } from '../farm/support/provenance.mjs';

const uploadBytes = Number(process.env.FARM_BENCH_UPLOAD_BYTES ?? 1_000_000_000);
const CONCURRENCY = 10;
const SAMPLE_MS = 50;
const portrait = await readFile(samplePortrait);
const SAMPLE_RATE = 48_000;
const BYTES_PER_SECOND = SAMPLE_RATE * 2 * 3;

/** Two channels of 24 bits at 48 kHz: 1 GB lasts 58 minutes. */
function wavHeader(dataBytes) {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(2, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(BYTES_PER_SECOND, 28);
  header.writeUInt16LE(6, 32);
  header.writeUInt16LE(24, 34);
  header.write('data', 36);
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

const BOUNDARY = 'benchmark-boundary';
const part = (name, fileName) =>
  Buffer.from(
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${fileName && `; filename="${fileName}"`}\r\n\r\n`,
  );
const line = Buffer.from('\r\n');

/** The body of a submit, generated while it is sent: this process does not keep it either. */
function* bodyOf(bytes) {
  yield Buffer.concat([part('spec', ''), Buffer.from('{"prompt":"A person speaks to the camera."}'), line]);
  yield Buffer.concat([part('portrait', 'portrait.jpg'), portrait, line]);
  const dataBytes = bytes - (bytes % 6);
  yield Buffer.concat([part('speech', 'speech.wav'), wavHeader(dataBytes)]);
  const chunk = Buffer.alloc(6 * 10_000, 3);
  for (let left = dataBytes; left > 0; left -= chunk.length)
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  yield Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
}

async function submit({ port, key }, bytes) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
  const upload = request({ port, host: '127.0.0.1', path: '/v1/jobs', method: 'POST', headers });
  const answered = once(upload, 'response');
  await pipeline(Readable.from(bodyOf(bytes)), upload);
  const [answer] = await answered;
  const body = await text(answer);
  if (answer.statusCode !== 201) throw new Error(`The API responded with ${answer.statusCode}: ${body}`);
}

/** Bytes of `pid` that are in memory, as the kernel counts them (Linux). */
async function residentBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]) * 1024;
}

/** The largest growth of the process during `work`, from its size just before. */
async function growthDuring(pid, work) {
  const before = await residentBytes(pid);
  let peak = before;
  let running = true;
  const watching = (async () => {
    while (running) {
      peak = Math.max(peak, await residentBytes(pid));
      await sleep(SAMPLE_MS);
    }
  })();
  const start = performance.now();
  try {
    await work();
  } finally {
    running = false;
    await watching;
  }
  return {
    beforeBytes: before,
    peakBytes: peak,
    grownBytes: peak - before,
    seconds: (performance.now() - start) / 1000,
  };
}

async function startApi(directory, redisUrl) {
  const port = await freePort();
  const child = spawn(process.execPath, [mainFiles.api], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      REDIS_URL: redisUrl,
      FARM_PORT: String(port),
      FARM_STORAGE: 'filesystem',
      FARM_STORAGE_DIRECTORY: join(directory, 'storage'),
      FARM_TEMPORARY_DIRECTORY: directory,
      FARM_SIGNING_SECRET: 'of this benchmark and nothing else',
      FARM_ADMIN_KEY_FILE: join(directory, 'admin.key'),
      FARM_MAX_SPEECH_SECONDS: String(Math.ceil(uploadBytes / BYTES_PER_SECOND) + 60),
    },
  });
  const log = createWriteStream(join(directory, 'api.log'));
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  for (let tries = 0; tries < 100; tries += 1) {
    if (
      await fetch(`http://127.0.0.1:${port}/v1/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { port, child };
    await sleep(100);
  }
  throw new Error(`The API is not listening: ${await readFile(join(directory, 'api.log'), 'utf8')}`);
}

async function measure({ port, child }, redis, directory) {
  const { secret: key } = await createApiKey(redis, { owner: 'benchmark', role: 'submit' });
  const api = { port, key };
  // The first submits load code and fill pools; growth from here on belongs to the uploads.
  for (let warm = 0; warm < 8; warm += 1) await submit(api, 20_000_000);
  await Promise.all(Array.from({ length: CONCURRENCY }, () => submit(api, 20_000_000)));
  const clear = () => rm(join(directory, 'storage', 'objects', 'jobs'), { recursive: true, force: true });
  await clear();
  const one = await growthDuring(child.pid, () => submit(api, uploadBytes));
  await clear();
  const ten = await growthDuring(child.pid, () =>
    Promise.all(Array.from({ length: CONCURRENCY }, () => submit(api, uploadBytes))),
  );
  return { one, ten };
}

const directory = await mkdtemp(join(tmpdir(), 'measured-api-'));
try {
  const { bavail, bsize } = await statfs(directory);
  // Each upload is in storage, and once more where it is judged.
  const needed = 2 * (CONCURRENCY + 1) * uploadBytes;
  if (bavail * bsize < needed)
    throw new Error(
      `${directory} has less than the ${needed} free bytes that this needs; set TMPDIR or FARM_BENCH_UPLOAD_BYTES.`,
    );
  const result = await withPrivateRedis(async ({ url, redis }) => {
    const api = await startApi(directory, url);
    try {
      return { ...(await measure(api, redis, directory)), ...(await provenance(redis)) };
    } finally {
      api.child.kill('SIGTERM');
      await once(api.child, 'exit');
    }
  });
  const { one, ten } = result;
  process.stderr.write(
    `one upload of ${uploadBytes} bytes: +${one.grownBytes} bytes in ${one.seconds.toFixed(1)} s; ` +
      `${CONCURRENCY} concurrently: +${ten.grownBytes} bytes in ${ten.seconds.toFixed(1)} s\n`,
  );
  const ratios = {
    'memory growth over bytes uploaded, one upload': one.grownBytes / uploadBytes,
    [`memory growth over bytes uploaded, ${CONCURRENCY} concurrent uploads`]:
      ten.grownBytes / (CONCURRENCY * uploadBytes),
  };
  process.stdout.write(`${JSON.stringify({ uploadBytes, ...result, ratios })}\n`);
} finally {
  await rm(directory, { recursive: true, force: true });
}
