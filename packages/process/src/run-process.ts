import { FarmError } from '@farm/contracts';
import { OpenResources } from './open-resources.js';

/** How long a process that failed waits for what it had opened to close. */
const FAILED_CLOSE_MS = 3000;

/**
 * Runs a program to its end, closes what it opened, and exits: with status 0, or with 1 after printing why. A failure that
 * the farm names is one sentence; anything else comes with its stack.
 */
export async function runProcess(main: (resources: OpenResources) => Promise<void>): Promise<void> {
  const resources = new OpenResources();
  const fail = (error: unknown) => {
    console.error(error instanceof FarmError ? error.message : stacksOf(error));
    process.exitCode = 1;
    setTimeout(() => process.exit(), FAILED_CLOSE_MS).unref();
  };
  await main(resources).catch(fail);
  await resources.close().catch(fail);
  process.exit();
}

/** The stack of an error and of its causes, without their other members: those of Redis have the password in theirs. */
function stacksOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\nCaused by: ${stacksOf(error.cause)}`;
}
