/** The API's address cannot be listened on. */
export class PortUnavailableError extends Error {
  readonly code = 'port-unavailable';

  constructor({ host, port, cause }: { readonly host: string; readonly port: number; readonly cause: Error }) {
    const systemCode = 'code' in cause ? String(cause.code) : cause.message;
    super(
      systemCode === 'EADDRINUSE'
        ? `Port ${port} is in use by another program. Choose another one with --port, or 0 for any free one.`
        : `The farm cannot listen on ${host}:${port} (${systemCode}). Choose another address with --host or --port.`,
      { cause },
    );
    this.name = 'PortUnavailableError';
  }
}

/** Another farm runs in the data directory. */
export class FarmAlreadyRunningError extends Error {
  readonly code = 'farm-running';

  constructor(directory: string, { pid, url }: { readonly pid: number; readonly url: string }) {
    super(
      `A farm is already running in ${directory} (process ${pid}, ${url}). ` +
        'Stop it first, or choose another folder with --data.',
    );
    this.name = 'FarmAlreadyRunningError';
  }
}

/** The processes were started, but the API did not become ready in time. */
export class FarmNotReadyError extends Error {
  readonly code = 'farm-not-ready';

  constructor({ timeoutMs, logFile }: { readonly timeoutMs: number; readonly logFile: string }) {
    super(`The API was not ready after ${timeoutMs / 1000} s. Its log says why: ${logFile}`);
    this.name = 'FarmNotReadyError';
  }
}

/** The folder's Redis does not hold the records of the farm whose files the folder keeps. */
export class RecordsNotOfFarmError extends Error {
  readonly code = 'records-not-of-farm';

  constructor(reason: string, directory: string) {
    super(`${reason} For the farm in ${directory}: farm rebuild --data ${directory}`);
    this.name = 'RecordsNotOfFarmError';
  }
}
