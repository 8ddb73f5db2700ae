// Updates the table of error codes in docs/api.md from the built API: `npm run build` first.
import { readFile, writeFile } from 'node:fs/promises';
import { errorCodesTable } from '../dist/problems/error-codes-table.js';

const path = new URL('../../../docs/api.md', import.meta.url);
const [begin, end] = ['<!-- error codes: generated -->', '<!-- end of error codes -->'];
const before = await readFile(path, 'utf8');
const [head, tail] = [before.indexOf(begin), before.indexOf(end)];
if (head === -1 || tail < head) throw new Error(`docs/api.md has no place for the table: ${begin} ... ${end}`);
await writeFile(path, `${before.slice(0, head)}${begin}\n\n${errorCodesTable()}\n\n${before.slice(tail)}`);
