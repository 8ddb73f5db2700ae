import { type ErrorCode, FarmError } from '@farm/contracts';
import type { Redis } from 'ioredis';
import { describeRedis, type FarmPlaces } from './farm-root.js';

/** Redis and storage are not those of one farm: nothing is started, changed or deleted. */
export abstract class FarmIdentityError extends FarmError {
  /** As `message`, for people outside the farm: without addresses. */
  readonly publicMessage: string;

  constructor(code: ErrorCode, { message, publicMessage }: { message: string; publicMessage: string }) {
    super(code, message);
    this.publicMessage = publicMessage;
  }
}

/** The storage is a farm's, and Redis knows of no farm. */
export class RecordsLostError extends FarmIdentityError {
  constructor({ redis, storage }: { redis: Redis; storage?: { readonly description: string } }) {
    super('records-lost', {
      message:
        `The storage${storage ? ` ${storage.description}` : ''} belongs to a farm that Redis (${describeRedis(redis)}) does not know. Nothing is ` +
        'started or deleted. Either REDIS_URL names another Redis or database than before: correct it. Or the storage ' +
        "settings name another farm's folder or bucket: correct them. Or Redis has lost its data (an emptied database, a " +
        'lost volume): bring its volume or a copy of it back, or list the jobs again from the storage with `farm rebuild`.',
      publicMessage:
        'The records of this farm are lost, or its Redis is another one. Nothing was changed. An operator corrects REDIS_URL, ' +
        'or runs `farm rebuild`; the log has the details.',
    });
  }
}

/** Redis and storage belong to different farms. */
export class OtherStorageRootError extends FarmIdentityError {
  /** @param roots the ids that both bear; the storage may bear none */
  constructor(roots: { known: string; seen: string | undefined }, { redis, storage }: FarmPlaces) {
    const seen = roots.seen === undefined ? 'belongs to no farm' : `belongs to farm ${roots.seen}`;
    super('other-storage-root', {
      message:
        `Redis (${describeRedis(redis)}) holds the records of farm ${roots.known}, and the storage ${storage.description} ` +
        `${seen}. Nothing is started or deleted. Point both at the same place: REDIS_URL at the Redis of the farm, and the ` +
        'storage settings at its data folder (a shared mount on another machine), or at its S3 endpoint and bucket.',
      publicMessage:
        'The Redis of this farm and its storage belong to different farms. Nothing was changed. An operator corrects the ' +
        'settings; the log has the details.',
    });
  }
}
