import { type Treatment, upstreamFlags } from './flags.js';

/** The table of docs/coming-from-live-avatar.md; `scripts/write-docs.mjs` puts it there. */
export function upstreamFlagsTable(): string {
  const rows = upstreamFlags.map(
    ({ flag, takesValue, treatment, meaning }) =>
      `| \`${flag}${takesValue ? ' …' : ''}\` | ${consequence(treatment)} | ${meaning} |`,
  );
  return ['| flag | here | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function consequence(treatment: Treatment): string {
  switch (treatment.kind) {
    case 'setting':
      return `\`${treatment.becomes}\``;
    case 'worker':
      return "worker's configuration";
    case 'always':
      return 'accepted; changes nothing';
    case 'refused':
      return treatment.allows === undefined ? 'refused' : 'refused, except for one value';
  }
}
