import type { FarmIdentity, RecordsContext } from '@farm/records';
import type { ObjectStorage } from '@farm/storage';
import type { Configuration } from './configuration.js';
import type { EventHub } from './events/event-hub.js';

/** What every route works with; opened and closed by the process. */
export interface Services {
  configuration: Configuration;
  records: RecordsContext;
  storage: ObjectStorage;
  /** Checked before every use of the records: an emptied Redis is no empty farm. */
  identity: FarmIdentity;
  events: EventHub;
}

declare module 'fastify' {
  interface FastifyInstance {
    services: Services;
  }
}
