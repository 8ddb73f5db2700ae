import {
  ENGINE_PROTOCOL_VERSION,
  type EngineEvent,
  FarmError,
  type FarmErrorOptions,
  type Retriable,
} from '@farm/contracts';

/** Characters of an engine's words that records and manifests keep. */
export const LONGEST_MESSAGE = 4000;
export const LONGEST_CODE = 64;

/** A render that the engine, or its absence, ended. The codes of engines come from Python. */
export abstract class EngineError extends FarmError<string> {
  readonly retriable: Retriable;
  /** The engine never accepted a render. */
  beforeReady = false;

  constructor(code: string, message: string, { retriable, ...options }: FarmErrorOptions & { retriable: Retriable }) {
    super(code, message, options);
    this.retriable = retriable;
  }
}

export class EngineMissingError extends EngineError {
  constructor(cause: Error) {
    super('engine-missing', `The engine could not be started: ${cause.message}`, {
      retriable: 'another-worker',
      cause,
    });
  }
}

export class EngineCrashedError extends EngineError {
  constructor({ how, lastLine }: { how: string; lastLine: string }) {
    const words = lastLine === '' ? '' : ` Its last line: ${lastLine.slice(0, 300)}`;
    super('engine-crashed', `The engine ended while it was needed (${how}).${words}`, { retriable: 'this-worker' });
  }
}

/** SIGKILL from elsewhere: the kernel sends it to the largest process when a memory limit is reached. */
export class EngineKilledError extends EngineError {
  constructor({ before, after }: { before: number | undefined; after: number | undefined }) {
    const counted =
      before === undefined || after === undefined
        ? ''
        : after > before
          ? ` The kernel's count of such kills (oom_kill) rose from ${before} to ${after} meanwhile.`
          : ` The kernel's count of such kills (oom_kill) did not rise, so another program or a person may have sent it.`;
    super(
      'engine-killed',
      `The engine was ended by SIGKILL, which this worker did not send: the machine's or the container's memory limit ` +
        `was probably reached.${counted} Give the worker more memory, or look in the kernel's log (dmesg).`,
      { retriable: 'another-worker', data: { ...(before !== undefined && after !== undefined && { before, after }) } },
    );
  }
}

export class EngineHungError extends EngineError {
  constructor(limit: { silentMs: number } | { stalledMs: number } | { loadingMs: number }) {
    super('engine-hung', `The engine ${hangOf(limit)} and was ended.`, { retriable: 'another-worker' });
  }
}

function hangOf(limit: { silentMs: number } | { stalledMs: number } | { loadingMs: number }): string {
  if ('silentMs' in limit) return `was silent for ${limit.silentMs / 1000} s`;
  if ('stalledMs' in limit) return `made no progress for ${limit.stalledMs / 60_000} min`;
  return `was not ready after ${(limit.loadingMs / 60_000).toFixed(1)} min of loading`;
}

/** The engine broke the protocol; another release of it may be installed elsewhere. */
export abstract class EngineProtocolError extends EngineError {
  constructor(message: string, cause?: unknown) {
    super('engine-protocol', message, { retriable: 'another-worker', cause });
  }
}

export class UnknownEngineLineError extends EngineProtocolError {
  constructor(line: string, cause: unknown) {
    super(`The engine wrote a line that is not part of its protocol: ${line.slice(0, 200)}`, cause);
  }
}

export class EngineLineTooLongError extends EngineProtocolError {
  constructor(maximumBytes: number, start: string) {
    super(`The engine wrote a line of more than ${maximumBytes} bytes. It begins: ${start.slice(0, 200)}`);
  }
}

export class EngineProtocolVersionError extends EngineProtocolError {
  constructor(protocolVersion: number) {
    super(
      `The engine speaks protocol ${protocolVersion}, and this worker ${ENGINE_PROTOCOL_VERSION}. Install both from one ` +
        'release.',
    );
  }
}

export class PiecesMissingError extends EngineProtocolError {
  constructor({ missing, expected }: { missing: number; expected: number }) {
    super(`The engine says that it has finished, but ${missing} of ${expected} pieces are missing.`);
  }
}

export class FramesDifferError extends EngineError {
  constructor(pieceIndex: number) {
    super(
      'frames-differ',
      `The frames of piece ${pieceIndex} that arrived at the encoder are not those the engine wrote.`,
      { retriable: 'this-worker' },
    );
  }
}

/** What the engine itself reported as failed. */
export class EngineFailedError extends EngineError {
  readonly renderId: string | null;

  constructor({ code, message, retriable, details, renderId }: Extract<EngineEvent, { type: 'failed' }>) {
    super(code.slice(0, LONGEST_CODE), message.slice(0, LONGEST_MESSAGE), { retriable, data: details });
    this.renderId = renderId;
  }
}

/** The test render of a quarantined worker went wrong in a way that no part of it named. */
export class SelfTestFailedError extends EngineError {
  constructor(what: string) {
    super('self-test-failed', `The test render of this worker failed: ${what}.`, { retriable: 'another-worker' });
  }
}
