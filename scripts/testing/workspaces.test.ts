import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../setup.mjs';
import { findWorkspaces } from './workspaces.mjs';

interface TypeScriptProject {
  readonly compilerOptions?: { readonly noEmit?: boolean };
  readonly references?: { readonly path: string }[];
}

const workspaces = await findWorkspaces();
const nameOf = new Map<string, string>(workspaces.map(({ folder, manifest }) => [folder, manifest.name]));

function typeScriptProject(folder: string): TypeScriptProject | undefined {
  const path = join(projectRoot, folder, 'tsconfig.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function referencedFolders(folder: string): string[] {
  const references = typeScriptProject(folder)?.references ?? [];
  return references.map(({ path }) => relative(projectRoot, resolve(projectRoot, folder, path)));
}

// Turborepo silently passes over a workspace without the script that it is asked to run.
describe.each(workspaces)('the workspace $folder', ({ folder, manifest }) => {
  it('has the scripts that Turborepo runs', () => {
    const project = typeScriptProject(folder);
    const required = ['lint', 'test', ...(project ? ['typecheck'] : [])];
    if (project && !project.compilerOptions?.noEmit) required.push('build');
    expect(Object.keys(manifest.scripts ?? {})).toEqual(expect.arrayContaining(required));
  });

  it('depends on what its tsconfig.json refers to, so that this is built first', () => {
    const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    const others = referencedFolders(folder).filter((path) => !path.startsWith(`${folder}/`));
    const referenced = others.map((path) => nameOf.get(path));
    expect(dependencies).toEqual(expect.arrayContaining(referenced));
  });
});

it('the root tsconfig.json refers to every TypeScript project, for editors', () => {
  const projects = workspaces.map(({ folder }) => folder).filter((folder) => typeScriptProject(folder));
  expect(referencedFolders('').sort()).toEqual(projects.sort());
});

it('every folder of the project is linted, in its workspace or by lint:root', () => {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  const linted = [...scripts['lint:root'].split(' '), ...workspaces.map(({ folder }) => folder.split('/')[0])];
  const entries = readdirSync(projectRoot, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const folders = entries.map(({ name }) => name).filter((name) => !/^(\..*|node_modules|output|coverage)$/.test(name));
  expect(linted).toEqual(expect.arrayContaining(folders));
});
