import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { obtainMinio } from './obtain-minio.js';
import { type ScratchMachine, scratchMachine } from './testing.js';

let machine: ScratchMachine;

beforeEach(async () => {
  machine = await scratchMachine();
  await mkdir(join(machine.root, 'home'));
});

afterEach(() => machine.remove());

const goThatBuilds = (version: string) => `
  case "$1" in
    version) echo "go version go${version} linux/amd64" ;;
    install) echo "go: downloading example v1" >&2; printf '#!/bin/sh\\n' > "$GOBIN/minio"; chmod +x "$GOBIN/minio" ;;
  esac`;

test('builds it once from the pinned source with a Go that is new enough', async () => {
  await machine.script('go', goThatBuilds('1.24.2'));
  const context = machine.context();
  const minio = await obtainMinio(context);
  if (!('path' in minio)) throw new Error(minio.reason);
  expect(minio.path.startsWith(join(context.cacheDirectory, 'minio', 'v0.0.0-'))).toBe(true);
  expect(await readFile(minio.path, 'utf8')).toBe('#!/bin/sh\n');
  await machine.script('go', 'exit 1');
  expect(await obtainMinio(context)).toEqual(minio);
});

test('fetches a newer Go where the installed one is too old, and says so when it cannot', async () => {
  const go = await machine.script('go', goThatBuilds('1.19.8'));
  const minio = await obtainMinio(machine.context());
  expect(minio).toEqual({
    reason: expect.stringMatching(/too old \(go version go1\.19\.8.*MinIO needs Go 1\.24 or newer\).*Python 3\.10/s),
  });
  expect((minio as { reason: string }).reason).toContain(go);
});

test('a MinIO on the PATH is preferred to any build', async () => {
  const path = await machine.script('minio', 'exit 0');
  expect(await obtainMinio(machine.context())).toEqual({ path });
});
