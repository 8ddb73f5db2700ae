import { FarmError } from '@farm/contracts';

export class ConfigurationError extends FarmError {
  /** @param faults one sentence per wrong variable, beginning with its name */
  constructor(process: string, faults: readonly string[]) {
    super('configuration', `The ${process} cannot start with these settings. ${faults.join('; ')}`);
  }
}
