import { errorCodes } from '@farm/contracts';

/** The table of docs/api.md, by HTTP status. */
export function errorCodesTable(): string {
  const codes = Object.entries(errorCodes).sort(([, one], [, other]) => one.status - other.status);
  const rows = codes.map(([code, { status, title }]) => `| ${status} | \`${code}\` | ${title} |`);
  return ['| status | code | title |', '| --- | --- | --- |', ...rows].join('\n');
}
