const UNAVAILABLE =
  /Command timed out|Connection is closed|ECONNREFUSED|ECONNRESET|EPIPE|Socket timeout|LOADING|MASTERDOWN|READONLY/;

/** Whether a command failed because Redis could not be reached or does not serve for now. */
export function isRedisUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'MaxRetriesPerRequestError' || UNAVAILABLE.test(error.message);
}
