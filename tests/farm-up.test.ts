import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const cli = join(import.meta.dirname, '../apps/cli/dist/main.js');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farm-up-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `farm` with its temporary files inside the test's folder, so that leftovers can be seen. */
function farm(args: string[]) {
  const child = spawn(process.execPath, [cli, ...args], { env: { ...process.env, TMPDIR: folder } });
  let output = '';
  const collect = (bytes: Buffer) => {
    output += bytes.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    exited,
    interrupt: () => child.kill('SIGINT'),
    output: () => output,
    async says(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const match = pattern.exec(output);
        if (match) return match;
        if (child.exitCode !== null)
          throw new Error(`farm ${args.join(' ')} ended without saying ${pattern}:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

/** Command lines of processes that belong to farms of this test; one that has just ended may still be listed briefly. */
async function processesLeft(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [commandLine, environment] = await Promise.all(
      ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
    );
    if (Number(pid) !== process.pid && (commandLine!.includes(folder) || environment!.includes(`TMPDIR=${folder}`)))
      found.push(commandLine!.replaceAll('\0', ' '));
  }
  return found;
}

async function takePort(): Promise<{ port: number; server: Server }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as { port: number }).port, server };
}

describe('farm demo', () => {
  it('saves a video, prints where, and leaves no process and no folder', async () => {
    const out = join(folder, 'demo.mp4');
    const demo = farm(['demo', '--out', out, '--size', '128*128']);
    expect(await demo.exited).toBe(0);
    expect(demo.output()).toContain(`video: ${out}`);
    expect((await stat(out)).size).toBeGreaterThan(10_000);
    await expect.poll(processesLeft).toEqual([]);
    expect(await readdir(folder)).toEqual(['demo.mp4']);
  }, 120_000);

  it('stops everything on Ctrl-C, says so, and exits 130', async () => {
    const demo = farm(['demo', '--out', join(folder, 'never.mp4')]);
    await demo.says(/rendering/);
    demo.interrupt();
    expect(await demo.exited).toBe(130);
    expect(demo.output()).toContain('Stopped; the farm is down.');
    await expect.poll(processesLeft).toEqual([]);
    expect(await readdir(folder)).not.toContain('never.mp4');
  }, 120_000);

  it('names a busy port together with --port', async () => {
    const { port, server } = await takePort();
    const demo = farm(['demo', '--port', String(port)]);
    expect(await demo.exited).toBe(2);
    expect(demo.output()).toMatch(new RegExp(`Port ${port} is in use.*--port`));
    server.close();
    await expect.poll(processesLeft).toEqual([]);
  }, 60_000);

  it('says which file it cannot read', async () => {
    const demo = farm(['demo', '--portrait', '/nowhere/face.jpg']);
    expect(await demo.exited).toBe(2);
    expect(demo.output()).toContain('--portrait: /nowhere/face.jpg cannot be read');
  }, 60_000);
});

describe('farm up', () => {
  it('shows the admin key once, keeps it where only its owner reads it, and stops on Ctrl-C', async () => {
    const data = join(folder, 'data');
    const first = farm(['up', '--port', '0', '--data', data]);
    const [, key] = await first.says(/Admin key, shown only this once: (\S+)/);
    await first.says(/Ctrl-C stops everything/);
    const keyFile = join(data, 'admin.key');
    expect((await readFile(keyFile, 'utf8')).trim()).toBe(key);
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    expect((await stat(join(data, 'worker.env'))).mode & 0o777).toBe(0o600);

    const second = farm(['up', '--port', '0', '--data', data]);
    expect(await second.exited).toBe(9);
    expect(second.output()).toMatch(/A farm is already running in .*data/);

    first.interrupt();
    expect(await first.exited).toBe(0);
    await expect.poll(processesLeft).toEqual([]);

    const again = farm(['up', '--port', '0', '--data', data]);
    await again.says(/Ctrl-C stops everything/);
    expect(again.output()).not.toContain(key);
    again.interrupt();
    expect(await again.exited).toBe(0);
  }, 120_000);
});
