import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';
import type { TaskStorage } from './patient-storage.js';

const MOST_BYTES = 1_000_000;

/** What an attempt logs goes to the worker's log and, from debug up, into a file of the job's own. */
export class AttemptLog {
  readonly log: Logger;
  #lines: string[] = [];
  #bytes = 0;

  constructor(workerLog: Logger, ids: { jobId: string; taskId: string; attemptId: string }) {
    const keep = new Writable({
      write: (line: Buffer, _encoding, done) => {
        this.#keep(line.toString());
        done();
      },
    });
    const own = pino({ level: 'debug', base: null, timestamp: pino.stdTimeFunctions.isoTime }, keep);
    const outer = workerLog.child(ids);
    this.log = pino(
      { level: 'debug', base: null },
      {
        write(text: string) {
          const {
            level,
            msg,
            time: _time,
            ...fields
          } = JSON.parse(text) as Record<string, unknown> & { level: number };
          const label = pino.levels.labels[level] as 'debug' | 'info' | 'warn' | 'error';
          outer[label](fields, msg as string);
          own[label]({ ...ids, ...fields }, msg as string);
        },
      },
    );
  }

  #keep(line: string): void {
    this.#bytes += line.length;
    this.#lines.push(line);
    // The end of a long log says more than its beginning.
    while (this.#bytes > MOST_BYTES) this.#bytes -= this.#lines.shift()?.length ?? 0;
  }

  /** Stores the lines; a log that cannot be stored is no reason to fail. */
  async save(storage: TaskStorage, key: string): Promise<void> {
    try {
      await storage.put(key, Buffer.from(this.#lines.join('')), { contentType: 'application/x-ndjson' });
    } catch (error) {
      this.log.warn({ err: error }, 'the log of this attempt could not be stored');
    }
  }
}
