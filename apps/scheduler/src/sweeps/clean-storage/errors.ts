import { FarmError } from '@farm/contracts';

/** Nothing of a job is deleted as superfluous while its video cannot be proved whole. */
export class VideoUnprovedError extends FarmError {
  constructor({ id }: { id: string }, reason: string) {
    super('video-unproved', `Of the succeeded job ${id} ${reason}; nothing of it is deleted. Look at its storage.`);
  }
}
