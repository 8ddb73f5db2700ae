import type { TaskClass } from '@farm/contracts';

/** The class as a record names it; schema 2 and older name `media` `host`. */
export function taskClassOf(stored: string | undefined): TaskClass {
  return (stored === 'host' ? 'media' : stored) as TaskClass;
}
