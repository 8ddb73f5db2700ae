import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ToolchainContext, type ToolchainStep, toolchainContext } from './context.js';

/** A machine for one test: a PATH with only the programs that the test writes there, an empty HOME, recorded steps. */
export interface ScratchMachine {
  readonly root: string;
  readonly programs: string;
  readonly steps: ToolchainStep[];
  /** Writes an executable shell script. */
  script(name: string, body: string): Promise<string>;
  context(options?: { isRoot?: boolean; signal?: AbortSignal; variables?: NodeJS.ProcessEnv }): ToolchainContext;
  remove(): Promise<void>;
}

export async function scratchMachine(): Promise<ScratchMachine> {
  const root = await mkdtemp(join(tmpdir(), 'farm machine '));
  const programs = join(root, 'programs');
  await mkdir(programs);
  const steps: ToolchainStep[] = [];
  return {
    root,
    programs,
    steps,
    async script(name, body) {
      const path = join(programs, name);
      // An absolute interpreter and PATH: the scripts may use what the machine under test lacks.
      await writeFile(path, `#!/bin/sh\nPATH="$PATH:/usr/bin:/bin"\n${body}\n`);
      await chmod(path, 0o755);
      return path;
    },
    context({ isRoot = false, signal, variables } = {}) {
      return toolchainContext({
        environment: { PATH: programs, HOME: join(root, 'home'), ...variables },
        report: (step) => steps.push(step),
        isRoot,
        ...(signal === undefined ? {} : { signal }),
      });
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
