import type { KeyView } from '../../client/index.js';
import type { Output } from '../../output/output.js';
import { table } from '../../output/table.js';

export function printKeys(keys: readonly KeyView[], { line, paint }: Output): void {
  const rows = keys.map((key) => [key.id, key.owner, key.role, key.createdAt]);
  line(table(['KEY', 'OWNER', 'ROLE', 'CREATED'], rows, paint));
}
