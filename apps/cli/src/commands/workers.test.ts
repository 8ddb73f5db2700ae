import { ContractServer, json } from '@farm/client/testing';
import type { WorkerView } from '@farm/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCaptured } from '../testing/run-captured.js';

let server: ContractServer;
let listed: WorkerView[];

const worker = (id: string, startedAt = '2026-01-05T08:00:00.000Z'): WorkerView => ({
  id,
  status: 'busy',
  vramClass: '24g',
  engine: 'liveavatar',
  host: id,
  gpu: 'NVIDIA L4',
  startedAt,
  seenAt: startedAt,
  clockSkewMs: 3,
  quarantine: null,
  attempts: [],
});

/** Serves the workers in `listed`; `afterList` is called after every listing. */
function serveWorkers(afterList: (count: number) => void): void {
  let count = 0;
  server.intercept = (request, response) => {
    if (!request.url?.startsWith('/v1/workers')) return false;
    if (request.method === 'POST') {
      json(response, 202, { id: request.url.split('/')[3] });
    } else {
      json(response, 200, { workers: listed });
      afterList(++count);
    }
    return true;
  };
}

const drain = (...words: string[]) =>
  runCaptured(['workers', 'drain', ...words], { environment: { FARM_URL: server.url, FARM_KEY: 'secret', HOME: '/' } });

beforeEach(async () => {
  server = await new ContractServer().start();
  listed = [worker('gpu-1'), worker('gpu-2')];
});
afterEach(() => server.stop());

test('says why a worker is quarantined, and for how long', async () => {
  const reason = { code: 'engine-crashed', message: 'The engine ended while it was needed (exit code 1).' };
  const since = new Date(Date.now() - 125_000).toISOString();
  listed = [worker('gpu-1'), { ...worker('gpu-2'), status: 'quarantined', quarantine: { since, reason } }];
  serveWorkers(() => {});
  const { stdout } = await runCaptured(['workers'], {
    environment: { FARM_URL: server.url, FARM_KEY: 'secret', HOME: '/' },
  });
  expect(stdout).toMatch(/^gpu-2 .*quarantined/m);
  expect(stdout).toMatch(
    /^gpu-2 has been quarantined for 2:\d\d, until a test render succeeds: The engine ended .* \(engine-crashed\)$/m,
  );
});

test('asks all of them first, then waits for each', async () => {
  serveWorkers((count) => {
    if (count === 2) listed = [{ ...worker('gpu-2'), status: 'offline' }];
  });
  expect(await drain('gpu-1', 'gpu-2', '--wait')).toEqual({
    code: 0,
    stdout: 'gpu-1  gone\ngpu-2  gone\n',
    stderr: '',
  });
  const [list, ...asked] = server.requests.slice(0, 3);
  expect(list).toBe('GET /v1/workers');
  expect(asked.sort()).toEqual(['POST /v1/workers/gpu-1/drain', 'POST /v1/workers/gpu-2/drain']);
});

test('shows how far a wrong clock is ahead, and says to set it', async () => {
  listed = [
    { ...worker('right'), clockSkewMs: -40 },
    { ...worker('ahead'), clockSkewMs: 3_600_000 },
    { ...worker('late'), clockSkewMs: -61_000 },
    { ...worker('new'), clockSkewMs: null },
  ];
  serveWorkers(() => {});
  const environment = { FARM_URL: server.url, FARM_KEY: 'secret', HOME: '/' };
  const { stdout, stderr } = await runCaptured(['workers'], { environment });
  const clocks = stdout.split('\n').map((line) => line.trimEnd().split(/ {2,}/).slice(6));
  expect(clocks.slice(0, 5)).toEqual([['CLOCK', 'JOBS'], ['ok'], ['+1:00:00'], ['-1:01'], []]);
  expect(stderr).toContain("The clock of ahead (ahead) differs by +1:00:00 from the farm's.");
  expect(stderr).toContain('The clock of late (late) differs by -1:01');
  expect(stderr).not.toContain('right');
});

test('does not wait for ever for a worker that has restarted under the same name', async () => {
  serveWorkers(() => {
    listed = [worker('gpu-1', '2026-01-05T09:00:00.000Z')];
  });
  const { code, stderr } = await drain('gpu-1', '--wait', '--json');
  expect({ code, error: JSON.parse(stderr).error }).toEqual({
    code: 9,
    error: { code: 'worker-restarted', message: expect.stringContaining('gpu-1 has restarted') },
  });
});
