/** How `farm` ends, for scripts. Documented in docs/cli.md and at the end of `farm --help`. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unreachable: 5,
  notAllowed: 6,
  jobNotMade: 7,
  partlyMade: 8,
  conflict: 9,
  limitReached: 10,
  machineUnfit: 11,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'done',
  unexpected: 'something unexpected went wrong',
  usage: 'the command line is wrong',
  refused: 'the farm, or a check before it, refused the input',
  notFound: 'no such job, worker or key',
  unreachable: 'the farm, or the hub of the weights, cannot be reached or is unavailable',
  notAllowed: 'the key is missing, unknown, revoked or not allowed to do this',
  jobNotMade: 'the job failed or was canceled',
  partlyMade: 'some of several files failed; the others are done',
  conflict: 'the state does not allow it, such as retrying a job that is running',
  limitReached: 'a rate limit or a quota is reached',
  machineUnfit: 'farm doctor or farm weights found a problem',
  interrupted: 'Ctrl-C; what was submitted continues in the farm',
};

/** The table of docs/cli.md. */
export function exitCodesTable(): string {
  const names = Object.keys(exitCodes) as Array<keyof typeof exitCodes>;
  const rows = names.map((name) => `| ${exitCodes[name]} | ${exitCodeMeanings[name]} |`);
  return ['| exit code | meaning |', '| --- | --- |', ...rows].join('\n');
}
