import { ToolchainError } from './errors.js';

/** A server process ended, or was not ready in time, while it was being started. `log` holds the end of its log. */
export abstract class ServerStartError extends ToolchainError {
  readonly code = 'server-start-failed';

  constructor(
    server: string,
    reason: string,
    readonly log = '',
  ) {
    super(`${server} did not start: ${reason}${log ? `\n${log}` : ''}`);
  }
}

export class ServerEndedError extends ServerStartError {
  constructor(server: string, log: string) {
    super(server, 'it ended immediately', log);
  }
}

export class ServerNotReadyError extends ServerStartError {
  constructor(details: { server: string; port: number; timeoutMs: number; log: string }) {
    const { server, port, timeoutMs, log } = details;
    super(server, `it is not ready on port ${port} after ${timeoutMs / 1000} s`, log);
  }
}

/** Two servers on one append-only file would destroy it. */
export class FolderInUseError extends ServerStartError {
  constructor(server: string, directory: string, pid: number) {
    const remedy = 'Stop the farm that uses this folder, or choose another one.';
    super(server, `process ${pid} still serves ${directory}. ${remedy}`);
  }
}

export class ServerWithoutProcessIdError extends ServerStartError {
  constructor(command: string) {
    super(command, 'the system gave it no process id');
  }
}
