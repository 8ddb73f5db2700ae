import { type FarmIdentity, FarmIdentityError } from '@farm/records';
import type { Logger } from 'pino';

/**
 * Runs sweeps only while Redis and the storage are those of this farm: what an emptied Redis does not know is not gone.
 * A sweep of records continues while the storage is unavailable; one of the storage checks that, too. The reason is logged when it appears, not with every sweep that it stops.
 */
export function guardSweeps(identity: Pick<FarmIdentity, 'check' | 'checkBoth'>, log: Logger) {
  let stopped = false;
  return async (touches: 'records' | 'storage', sweep: () => Promise<unknown>): Promise<void> => {
    try {
      await (touches === 'records' ? identity.check() : identity.checkBoth());
    } catch (error) {
      if (!(error instanceof FarmIdentityError)) throw error;
      if (!stopped) log.error(`${error.message} Until then nothing is swept.`);
      stopped = true;
      return;
    }
    if (stopped) log.info('Redis knows the farm again: the sweeps continue');
    stopped = false;
    await sweep();
  };
}
