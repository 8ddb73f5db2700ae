import { homedir } from 'node:os';
import { join } from 'node:path';

/** What happens while a program is being obtained, to show to a person. */
export type ToolchainStep =
  | { readonly kind: 'started'; readonly label: string }
  | { readonly kind: 'progress'; readonly label: string; readonly detail: string }
  | { readonly kind: 'finished'; readonly label: string; readonly seconds: number }
  | { readonly kind: 'failed'; readonly label: string; readonly seconds: number };

export interface ToolchainContext {
  /** Where obtained programs are kept between runs, outside every checkout. */
  readonly cacheDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly report: (step: ToolchainStep) => void;
  /** Aborting ends the running step and removes what it has made. */
  readonly signal: AbortSignal | undefined;
  /** Root installs packages for the machine; everyone else unpacks them into the cache. */
  readonly isRoot: boolean;
}

export interface ToolchainContextOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly report?: (step: ToolchainStep) => void;
  readonly signal?: AbortSignal;
  readonly isRoot?: boolean;
}

export function toolchainContext(options: ToolchainContextOptions = {}): ToolchainContext {
  const environment = options.environment ?? process.env;
  const userCache = environment.XDG_CACHE_HOME || join(environment.HOME || homedir(), '.cache');
  return {
    cacheDirectory: join(userCache, 'avatar-farm'),
    environment,
    report: options.report ?? (() => undefined),
    signal: options.signal,
    isRoot: options.isRoot ?? process.getuid?.() === 0,
  };
}

/** Runs one step and reports its start, its end and the seconds it took. */
export async function runStep<Result>(
  context: ToolchainContext,
  label: string,
  work: (progress: (detail: string) => void) => Promise<Result>,
): Promise<Result> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  context.signal?.throwIfAborted();
  context.report({ kind: 'started', label });
  try {
    const result = await work((detail) => context.report({ kind: 'progress', label, detail }));
    context.report({ kind: 'finished', label, seconds: seconds() });
    return result;
  } catch (error) {
    context.report({ kind: 'failed', label, seconds: seconds() });
    throw error;
  }
}
