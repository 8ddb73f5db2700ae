import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { obtainFfmpeg } from './obtain-ffmpeg.js';
import { obtainRedisServer } from './obtain-redis.js';
import { type ScratchMachine, scratchMachine } from './testing.js';

const run = promisify(execFile);
let machine: ScratchMachine;

beforeEach(async () => {
  machine = await scratchMachine();
});

afterEach(() => machine.remove());

test('uses what is on the PATH, and prefers an override', async () => {
  const onPath = await machine.script('redis-server', 'exit 0');
  const other = await machine.script('my-redis', 'exit 0');
  expect(await obtainRedisServer(machine.context())).toBe(onPath);
  expect(await obtainRedisServer(machine.context({ variables: { FARM_REDIS_SERVER: other } }))).toBe(other);
  expect(machine.steps).toEqual([]);
});

test('refuses an override that cannot be run, and names it', async () => {
  const file = join(machine.root, 'notes.txt');
  await writeFile(file, 'not a program');
  const context = machine.context({ variables: { FARM_REDIS_SERVER: file } });
  await expect(obtainRedisServer(context)).rejects.toThrow(
    `FARM_REDIS_SERVER names ${file}, which is not an executable`,
  );
});

test('without apt-get, says in one line what to install', async () => {
  const error = await obtainRedisServer(machine.context()).catch((reason: Error) => reason);
  expect(error).toMatchObject({ code: 'tool-missing', tool: 'redis-server' });
  expect((error as Error).message).toMatch(/brew install redis.*dnf install redis.*FARM_REDIS_SERVER/);
  expect((error as Error).message).not.toContain('\n');
});

test('as root, updates the package lists and installs for the machine', async () => {
  await machine.script('dpkg', 'exit 0');
  await machine.script(
    'apt-get',
    `echo "$@" >> '${machine.root}/calls'
     case "$*" in
       *--download-only*) ;;
       *install*) printf '#!/bin/sh\\n' > '${machine.programs}/redis-server'; chmod +x '${machine.programs}/redis-server' ;;
     esac`,
  );
  const context = machine.context({ isRoot: true });
  expect(await obtainRedisServer(context)).toBe(join(machine.programs, 'redis-server'));
  const { stdout } = await run('cat', [join(machine.root, 'calls')]);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(2).join(' ')),
  ).toEqual([
    'update',
    'install --yes --no-install-recommends --download-only redis-server',
    'install --yes --no-install-recommends redis-server',
  ]);
  expect(machine.steps.map((step) => step.kind)).toEqual(['started', 'finished']);
});

/** An apt-get that "downloads" one package, and a dpkg that unpacks a redis-server printing its library path. */
async function unpackingMachine() {
  await machine.script(
    'apt-get',
    `echo "$@" >> '${machine.root}/calls'
     for word in "$@"; do case "$word" in Dir::Cache::Archives=*) archives=\${word#*=} ;; esac; done
     case "$*" in *--download-only*) touch "$archives/redis-server_7_amd64.deb" ;; esac`,
  );
  await machine.script(
    'dpkg',
    `mkdir -p "$3/usr/bin" "$3/usr/lib/private"
     touch "$3/usr/lib/private/libstore.so.1"
     printf '#!/bin/sh\\necho "$LD_LIBRARY_PATH"\\n' > "$3/usr/bin/redis-server"
     chmod +x "$3/usr/bin/redis-server"`,
  );
}

test('without root, unpacks the packages into the cache, where the program finds its libraries', async () => {
  await unpackingMachine();
  const context = machine.context();
  const path = await obtainRedisServer(context);
  expect(path.startsWith(join(context.cacheDirectory, 'redis-server'))).toBe(true);
  const { stdout } = await run(path);
  expect(stdout).toContain('/root/usr/lib/private');
  await machine.script('apt-get', 'echo offline >&2; exit 100');
  expect(await obtainRedisServer(context)).toBe(path);
});

test('an unpacked program that does not run is not kept', async () => {
  await unpackingMachine();
  await machine.script(
    'dpkg',
    'mkdir -p "$3/usr/bin"; printf "#!/bin/sh\\nexit 127\\n" > "$3/usr/bin/redis-server"; chmod +x "$3/usr/bin/redis-server"',
  );
  const context = machine.context();
  await expect(obtainRedisServer(context)).rejects.toThrow(/redis-server is missing.*exit code 127/s);
  expect(await readdir(join(context.cacheDirectory, 'redis-server'))).toEqual([]);
});

test('a download that fails names the cause and the remedy', async () => {
  await machine.script('dpkg', 'exit 0');
  await machine.script('apt-get', 'echo "E: Unable to fetch some archives" >&2; exit 100');
  await expect(obtainRedisServer(machine.context())).rejects.toThrow(/Unable to fetch some archives.*apt-get install/s);
});

test('an ffmpeg without the H.264 encoder is refused, with where to get one', async () => {
  await mkdir(join(machine.root, 'home'), { recursive: true });
  const ffmpeg = await machine.script('ffmpeg', 'echo " V....D libopenh264"');
  await machine.script('ffprobe', 'exit 0');
  await expect(obtainFfmpeg(machine.context())).rejects.toThrow(`${ffmpeg} was built without it`);
  await machine.script('ffmpeg', 'echo " V....D libx264"');
  expect(await obtainFfmpeg(machine.context())).toEqual({ ffmpeg, ffprobe: join(machine.programs, 'ffprobe') });
});

test.each([
  ['3.4.11-0ubuntu0.1', false],
  ['4.1.11-0+deb10u1', false],
  ['4.2', true],
  ['4.4.2-0ubuntu0.22.04.1', true],
  ['5.1.8-0+deb12u1', true],
  ['n7.1', true],
  ['10.0', true],
  ['N-118000-g0123456789', true],
])('ffmpeg %s is accepted: %s', async (version, isAccepted) => {
  const ffmpeg = await machine.script(
    'ffmpeg',
    `case "$1" in -version) echo "ffmpeg version ${version} Copyright" ;; *) echo " V....D libx264" ;; esac`,
  );
  await machine.script('ffprobe', 'exit 0');
  const obtaining = obtainFfmpeg(machine.context());
  if (isAccepted) expect((await obtaining).ffmpeg).toBe(ffmpeg);
  else await expect(obtaining).rejects.toThrow(`ffmpeg 4.2 or newer is missing (${ffmpeg} is ${version}).`);
});
