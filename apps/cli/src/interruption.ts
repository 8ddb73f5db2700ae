/** Why a command is aborted. Named like every abort, so that nothing takes it for a failure. */
export class Interruption extends Error {
  /** A terminal sends Ctrl-C to what a command has started, too. */
  readonly reachesChildren: boolean;

  constructor(signal: 'SIGINT' | 'SIGTERM', { isTTY }: { isTTY?: boolean }) {
    super(`Interrupted by ${signal}.`);
    this.name = 'AbortError';
    this.reachesChildren = signal === 'SIGINT' && isTTY === true;
  }
}
