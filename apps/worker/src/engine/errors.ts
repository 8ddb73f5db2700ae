import { FarmError, type Retriable } from '@farm/contracts';

/** A render that the engine, or its absence, ended. */
export class EngineError extends FarmError<string> {
  readonly retriable: Retriable;

  constructor(code: string, message: string, options: { retriable: Retriable; data?: Record<string, unknown> }) {
    super(code, message, options.data ? { data: options.data } : {});
    this.name = 'EngineError';
    this.retriable = options.retriable;
  }
}
