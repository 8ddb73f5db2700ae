import { DiskFullError, S3UnavailableError } from '@farm/storage';
import pino from 'pino';
import { expect, it } from 'vitest';
import { patientStorage, type TaskStorage } from './patient-storage.js';

const log = pino({ level: 'silent' });
const unavailable = new S3UnavailableError({
  where: 'http://minio:9000/farm',
  reason: 'ECONNREFUSED',
  cause: undefined,
});

/** A storage whose first `put`s fail. */
function failing(errors: Error[]): TaskStorage & { puts: number } {
  const storage = {
    puts: 0,
    async put() {
      storage.puts += 1;
      const error = errors.shift();
      if (error) throw error;
      return { size: 1 };
    },
  };
  return storage as unknown as TaskStorage & { puts: number };
}

it('repeats a call until the storage is available', async () => {
  const storage = failing([unavailable, unavailable, unavailable]);
  const { signal } = new AbortController();
  const patient = patientStorage(storage, { signal, log, firstPauseMs: 1 });
  expect(await patient.put('a', Buffer.from('x'))).toEqual({ size: 1 });
  expect(storage.puts).toBe(4);
});

it('passes on immediately what waiting does not solve', async () => {
  const full = new DiskFullError({ directory: '/farm', errno: 'ENOSPC', cause: undefined });
  const storage = failing([full]);
  const { signal } = new AbortController();
  await expect(patientStorage(storage, { signal, log }).put('a', Buffer.from('x'))).rejects.toBe(full);
  expect(storage.puts).toBe(1);
});

it('ends with the attempt, naming what failed', async () => {
  const storage = failing([unavailable, unavailable]);
  const attempt = new AbortController();
  const putting = patientStorage(storage, { signal: attempt.signal, log }).put('a', Buffer.from('x'));
  setTimeout(() => attempt.abort(), 50);
  await expect(putting).rejects.toBe(unavailable);
  expect(storage.puts).toBe(1);
});
