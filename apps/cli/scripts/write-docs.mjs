// Updates the generated parts of the documentation from the built command line: `npm run build` first.
import { readFile, writeFile } from 'node:fs/promises';
import { exitCodesTable } from '../dist/exit-codes.js';
import { upstreamFlagsTable } from '../dist/upstream/flags-table.js';

const parts = [
  ['coming-from-live-avatar.md', 'flags', upstreamFlagsTable()],
  ['cli.md', 'exit codes', exitCodesTable()],
];

for (const [page, name, text] of parts) {
  const path = new URL(`../../../docs/${page}`, import.meta.url);
  const [begin, end] = [`<!-- ${name}: generated -->`, `<!-- end of ${name} -->`];
  const before = await readFile(path, 'utf8');
  const [head, tail] = [before.indexOf(begin), before.indexOf(end)];
  if (head === -1 || tail < head) throw new Error(`docs/${page} has no place for ${name}: ${begin} ... ${end}`);
  await writeFile(path, `${before.slice(0, head)}${begin}\n\n${text}\n\n${before.slice(tail)}`);
}
