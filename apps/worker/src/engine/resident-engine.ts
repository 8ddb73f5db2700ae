import type { EngineName } from '@farm/contracts';
import type { Logger } from 'pino';
import { type EngineCommandLine, EngineProcess } from './engine-process.js';
import type { Patience } from './engine-watch.js';

/** How long this engine took to load on this machine before. */
export interface LoadHistory {
  longestMs(): Promise<number | undefined>;
  add(loadMs: number): Promise<void>;
}

/** A cold disk, or weights that come over a network, take several times as long as a warm one. */
const LOADING_FACTOR = 5;
const SHORTEST_LOADING_MS = 10 * 60_000;
const FIRST_LOADING_MS = 30 * 60_000;

/** How long an engine may load. @param longestMs the longest load that succeeded before, if there was any */
export function loadingBoundMs(longestMs: number | undefined): number {
  return longestMs === undefined ? FIRST_LOADING_MS : Math.max(LOADING_FACTOR * longestMs, SHORTEST_LOADING_MS);
}

/** Keeps one engine resident: starts it, and starts it again when the next render finds it dead. */
export class ResidentEngine {
  #engine: EngineProcess | undefined;
  #starting: Promise<EngineProcess> | undefined;
  readonly #line: EngineCommandLine;
  readonly #log: Logger;
  readonly #loads: LoadHistory | undefined;
  readonly #patience: Partial<Patience>;
  #isStopped = false;
  state: 'cold' | 'loading' | 'ready' = 'cold';

  constructor(
    readonly engineName: EngineName,
    line: EngineCommandLine,
    log: Logger,
    { loads, patience = {} }: { loads?: LoadHistory; patience?: Partial<Patience> } = {},
  ) {
    this.#line = line;
    this.#log = log;
    this.#loads = loads;
    this.#patience = patience;
  }

  get engineVersion(): string {
    return this.#engine?.engineVersion ?? '';
  }

  /** The engine, as soon as its model is loaded. @throws EngineError that says why there is none */
  async warm(): Promise<EngineProcess> {
    if (this.#isStopped) throw new Error('The engine was stopped for good.');
    if (!this.#engine || this.#engine.hasExited) {
      this.#starting ??= this.#start().finally(() => {
        this.#starting = undefined;
      });
      await this.#starting;
    }
    const engine = this.#engine!;
    await engine.ready();
    this.state = 'ready';
    return engine;
  }

  async #start(): Promise<EngineProcess> {
    this.state = 'loading';
    const longestMs = await this.#loads?.longestMs().catch(() => undefined);
    const patience = { loadingMs: loadingBoundMs(longestMs), ...this.#patience };
    if (this.#isStopped) throw new Error('The engine was stopped for good.');
    const started = performance.now();
    const engine = new EngineProcess(this.#line, this.#log, { patience });
    this.#engine = engine;
    void engine.exited.then(() => {
      if (this.#engine === engine) this.state = 'cold';
    });
    await engine.ready();
    const loadMs = performance.now() - started;
    const { pid: enginePid, engineVersion } = engine;
    this.#log.info({ enginePid, engineVersion, seconds: loadMs / 1000 }, 'engine ready');
    await this.#loads?.add(loadMs).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'how long the engine took to load could not be recorded');
    });
    return engine;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#engine?.stop();
  }
}
