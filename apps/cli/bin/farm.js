#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
if (!existsSync(program)) {
  console.error('farm is not built yet. Run `npm ci && npm run build` in the repository first.');
  process.exit(1);
}
await import(program.href);
