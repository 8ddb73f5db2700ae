import { FarmError, SPEECH_SAMPLE_RATE } from '@farm/contracts';
import type { LostObject } from '@farm/records';

/** Objects of the job that are gone or have other bytes than were written. The farm makes again what it can. */
export abstract class LostObjectsError extends FarmError {
  abstract readonly objects: readonly LostObject[];
}

export class ObjectMissingError extends LostObjectsError {
  readonly objects: readonly LostObject[];

  constructor(key: string) {
    super('object-missing', `The object ${key} is no longer in storage.`);
    this.objects = [{ key, found: 'missing' }];
  }
}

export class ObjectCorruptError extends LostObjectsError {
  readonly objects: readonly LostObject[];

  constructor(key: string) {
    super('object-corrupt', `The object ${key} in storage does not have the bytes that were written.`);
    this.objects = [{ key, found: 'corrupt' }];
  }
}

/** @param losses one per object, at least one */
export class PiecesLostError extends LostObjectsError {
  readonly objects: readonly LostObject[];

  constructor(losses: readonly LostObjectsError[]) {
    const first = losses[0]!;
    const more = losses.length > 1 ? ` ${losses.length - 1} more pieces are lost too.` : '';
    super(first.code, `${first.message}${more}`, { cause: first });
    this.objects = losses.flatMap((loss) => loss.objects);
  }
}

export class PreparedInputsMissingError extends FarmError {
  constructor(readonly jobId: string) {
    super('record-missing', `The prepared inputs of job ${jobId} are gone.`);
  }
}

export class SpeechTooLongForClipsError extends FarmError {
  constructor({ sampleCount, clips, maximumSamples }: { sampleCount: number; clips: number; maximumSamples: number }) {
    const seconds = (samples: number) => (samples / SPEECH_SAMPLE_RATE).toFixed(1);
    super(
      'speech-too-long',
      `The speech has ${seconds(sampleCount)} s and ${clips} clips hold ${seconds(maximumSamples)} s. Ask for more clips, ` +
        'or set truncate to true.',
    );
  }
}

/** The scratch folder cannot be used at all. */
export class WorkerBrokenError extends FarmError {
  constructor(cause: unknown) {
    super('worker-broken', `No folder could be made for the attempt: ${String(cause)}`, { cause });
  }
}

export class ScratchFullError extends FarmError {
  constructor(cause: unknown) {
    super('scratch-full', `The scratch disk of the worker is full: ${String(cause)}`, { cause });
  }

  static causedBy(error: unknown): boolean {
    return ['ENOSPC', 'EDQUOT'].includes(String((error as NodeJS.ErrnoException | undefined)?.code));
  }
}

export class WorkerIdTakenError extends FarmError {
  constructor(workerId: string) {
    super(
      'worker-id-taken',
      `Another process runs as worker ${workerId}, so this one does not start. Give each worker an id of its own ` +
        '(FARM_WORKER_ID).',
    );
  }
}

/** Its own process goes on to the end of what it holds, and leaves. */
export class WorkerReplacedError extends FarmError {
  constructor(workerId: string) {
    super(
      'worker-replaced',
      `Another process has registered as worker ${workerId}, so this one leaves. Give each worker an id of its own ` +
        '(FARM_WORKER_ID).',
    );
  }
}
