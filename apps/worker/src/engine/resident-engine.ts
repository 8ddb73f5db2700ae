import type { EngineName } from '@farm/contracts';
import type { Logger } from 'pino';
import { type EngineCommandLine, EngineProcess } from './engine-process.js';

/** Keeps one engine resident: starts it, and starts it again when the next render finds it dead. */
export class ResidentEngine {
  #engine: EngineProcess | undefined;
  readonly #line: EngineCommandLine;
  readonly #log: Logger;
  #isStopped = false;
  state: 'cold' | 'loading' | 'ready' = 'cold';

  constructor(
    readonly engineName: EngineName,
    line: EngineCommandLine,
    log: Logger,
  ) {
    this.#line = line;
    this.#log = log;
  }

  get engineVersion(): string {
    return this.#engine?.engineVersion ?? '';
  }

  /** The engine, as soon as its model is loaded. @throws EngineError that says why there is none */
  async warm(): Promise<EngineProcess> {
    if (this.#isStopped) throw new Error('The engine was stopped for good.');
    if (!this.#engine || this.#engine.hasExited) await this.#start();
    const engine = this.#engine!;
    await engine.ready();
    this.state = 'ready';
    return engine;
  }

  async #start(): Promise<void> {
    this.state = 'loading';
    const started = performance.now();
    const engine = new EngineProcess(this.#line, this.#log);
    this.#engine = engine;
    void engine.exited.then(() => {
      if (this.#engine === engine) this.state = 'cold';
    });
    await engine.ready();
    const seconds = (performance.now() - started) / 1000;
    this.#log.info({ enginePid: engine.pid, engineVersion: engine.engineVersion, seconds }, 'engine ready');
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#engine?.stop();
  }
}
