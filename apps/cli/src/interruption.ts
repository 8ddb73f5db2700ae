/** Why a command is aborted. Its name is that of every abort, so that nothing mistakes it for a failure. */
export class Interruption extends Error {
  /** A terminal sends Ctrl-C to the processes that a command has started, too. */
  readonly reachesChildren: boolean;

  constructor(signal: 'SIGINT' | 'SIGTERM', { isTTY }: { isTTY?: boolean }) {
    super(`Interrupted by ${signal}.`);
    this.name = 'AbortError';
    this.reachesChildren = signal === 'SIGINT' && isTTY === true;
  }
}
