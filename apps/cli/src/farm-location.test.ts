import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { locateFarm } from './farm-location.js';

let home: string;
let environment: NodeJS.ProcessEnv;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'farm-home-'));
  environment = { HOME: home };
  await mkdir(join(home, '.local/share/avatar-farm'), { recursive: true });
});
afterEach(() => rm(home, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(home, '.local/share/avatar-farm', name), text);

test('the farm that `farm up` runs on this machine, with its key', async () => {
  await write('farm.json', '{"url": "http://127.0.0.1:9001"}');
  await write('admin.key', 'farm_local\n');
  expect(await locateFarm({}, environment)).toEqual({ url: 'http://127.0.0.1:9001', key: 'farm_local' });
});

test('the key of the local farm is sent nowhere else', async () => {
  await write('farm.json', '{"url": "http://127.0.0.1:9001"}');
  await write('admin.key', 'farm_local\n');
  const elsewhere = await locateFarm({ url: 'https://farm.example' }, environment);
  expect(elsewhere).toEqual({ url: 'https://farm.example', key: undefined });
  const samePort = await locateFarm({ url: 'http://127.0.0.1:9001/' }, environment);
  expect(samePort.key).toBe('farm_local');
});

test('options come before the environment, the environment before the folder', async () => {
  await write('farm.json', 'half a fi');
  await write('team.key', 'farm_team');
  expect(await locateFarm({}, environment)).toEqual({ url: 'http://127.0.0.1:8080', key: undefined });
  const variables = { ...environment, FARM_URL: 'http://farm:80', FARM_KEY: 'farm_variable' };
  expect(await locateFarm({}, variables)).toEqual({ url: 'http://farm:80', key: 'farm_variable' });
  expect(await locateFarm({ url: 'http://other', key: ' farm_option ' }, variables)).toEqual({
    url: 'http://other',
    key: 'farm_option',
  });
  const keyFile = join(home, '.local/share/avatar-farm/team.key');
  expect((await locateFarm({ keyFile }, variables)).key).toBe('farm_team');
});

test('a wrong address and a missing key file are named', async () => {
  await expect(locateFarm({ url: 'localhost:8080' }, environment)).rejects.toThrow(
    '"localhost:8080" is not the address',
  );
  await expect(locateFarm({ keyFile: '/nowhere/key' }, environment)).rejects.toThrow('--key-file names /nowhere/key');
});
