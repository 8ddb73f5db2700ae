import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../setup.mjs';

const readJson = async (path) => JSON.parse(await readFile(path, 'utf8'));

async function foldersOf(pattern) {
  if (!pattern.endsWith('/*')) return [pattern];
  const parent = pattern.slice(0, -2);
  const entries = await readdir(join(projectRoot, parent), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => `${parent}/${entry.name}`);
}

/** The folder, relative to the root, and the package.json of every workspace; a folder without a package.json fails. */
export async function findWorkspaces() {
  const { workspaces } = await readJson(join(projectRoot, 'package.json'));
  const folders = (await Promise.all(workspaces.map(foldersOf))).flat();
  return Promise.all(
    folders.map(async (folder) => ({ folder, manifest: await readJson(join(projectRoot, folder, 'package.json')) })),
  );
}
