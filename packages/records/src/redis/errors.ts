import { FarmError } from '@farm/contracts';

export class BadRedisUrlError extends FarmError {
  constructor(readonly url: string) {
    super('bad-redis-url', `REDIS_URL is ${JSON.stringify(url)}; write it as redis://host:port.`);
  }
}

export class FarmFullError extends FarmError {
  constructor(used: { bytes: number; maximumBytes: number }) {
    const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
    super(
      'farm-full',
      `The farm's Redis uses ${mebibytes(used.bytes)} of ${mebibytes(used.maximumBytes)} MiB. Running jobs continue; ` +
        'submit this job again when some have ended, or raise maxmemory.',
    );
  }
}
