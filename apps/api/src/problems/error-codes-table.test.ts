import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { errorCodesTable } from './error-codes-table.js';

it('is in docs/api.md (npm run build, then node apps/api/scripts/write-docs.mjs updates it)', async () => {
  const page = await readFile(new URL('../../../../docs/api.md', import.meta.url), 'utf8');
  expect(page).toContain(errorCodesTable());
});
