import { execFile } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { problem } from './testing/contract-server.js';

const run = promisify(execFile);
const MIB = 2 ** 20;
const RECORDING_BYTES = 192 * MIB;

test('memory stays flat while a large recording is sent', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'farm-upload-'));
  let received = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    request.on('end', () =>
      problem(response, { status: 422, code: 'only-counted', detail: 'The bytes were counted.' }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const [portraitPath, speechPath] = [join(directory, 'p.jpg'), join(directory, 'talk.wav')];
    await writeFile(portraitPath, 'portrait');
    await writeFile(speechPath, '');
    await truncate(speechPath, RECORDING_BYTES);
    const module = pathToFileURL(join(import.meta.dirname, '../dist/index.js')).href;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const program = `
      import { FarmClient } from ${JSON.stringify(module)};
      const [url, portraitPath, speechPath] = process.argv.slice(1);
      const before = process.resourceUsage().maxRSS;
      const refusal = await new FarmClient({ url })
        .submitJob({ spec: { prompt: 'x' }, portraitPath, speechPath }).catch((error) => error.code);
      console.log(JSON.stringify({ refusal, grownBytes: (process.resourceUsage().maxRSS - before) * 1024 }));
    `;
    const { stdout } = await run(process.execPath, [
      '--input-type=module',
      '-e',
      program,
      url,
      portraitPath,
      speechPath,
    ]);
    const { refusal, grownBytes } = JSON.parse(stdout);
    expect(refusal).toBe('only-counted');
    expect(received).toBeGreaterThan(RECORDING_BYTES);
    expect(grownBytes).toBeLessThan(96 * MIB);
  } finally {
    server.close();
    await rm(directory, { recursive: true });
  }
}, 60_000);
