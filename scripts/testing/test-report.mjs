import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** An output of the `test` task in turbo.json, so that a cached run restores it. */
const reportOf = (directory) => join(directory, '.turbo/test-report.json');

/** Leaves the counts of a workspace's tests, with the run that they are from. */
export async function writeReport(directory, { counts, run }) {
  await mkdir(dirname(reportOf(directory)), { recursive: true });
  await writeFile(reportOf(directory), `${JSON.stringify({ run, counts })}\n`);
}

/** @returns undefined where the tests ended without a report */
export async function readReport(directory) {
  const text = await readFile(reportOf(directory), 'utf8').catch(() => undefined);
  return text && JSON.parse(text);
}

export const removeReport = (directory) => rm(reportOf(directory), { force: true });
