import { FarmError } from '@farm/contracts';

/** Recorded as the error of an attempt; nobody is there to throw it. */
export class WorkerLostError extends FarmError {
  constructor() {
    super('worker-lost', 'The worker stopped reporting, and its lease ran out.');
  }
}
