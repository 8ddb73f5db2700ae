import type { EngineName, RenderCommand } from '@farm/contracts';
import type { Logger } from 'pino';
import { type EngineCommandLine, EngineProcess, type RenderListener, type RenderOutcome } from './engine-process.js';

/** A block of the slowest card and size takes about this long. */
const RELEASE_MS = 15_000;

/** Keeps one engine resident: starts it, and starts it again when the next render finds it dead. */
export class ResidentEngine {
  #engine: EngineProcess | undefined;
  readonly #line: EngineCommandLine;
  readonly #log: Logger;
  #stopped = false;
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

  get pid(): number | undefined {
    return this.#engine?.hasExited === false ? this.#engine.pid : undefined;
  }

  /** Resolves when the model is resident. */
  async warm(): Promise<EngineProcess> {
    if (this.#stopped) throw new Error('The engine host was stopped.');
    if (!this.#engine || this.#engine.hasExited) {
      this.state = 'loading';
      const started = performance.now();
      const engine = new EngineProcess(this.#line, this.#log, {
        onLoading: (phase, fraction) => this.#log.debug({ phase, fraction }, 'engine loads'),
      });
      this.#engine = engine;
      void engine.exited.then(() => {
        if (this.#engine === engine) this.state = 'cold';
      });
      await engine.ready();
      this.#log.info(
        { enginePid: engine.pid, engineVersion: engine.engineVersion, seconds: (performance.now() - started) / 1000 },
        'engine ready',
      );
    }
    await this.#engine.ready();
    this.state = 'ready';
    return this.#engine;
  }

  async render(command: RenderCommand, listener: RenderListener): Promise<RenderOutcome> {
    return (await this.warm()).render(command, listener);
  }

  interrupt(renderId: string, when: 'now' | 'piece-end'): void {
    this.#engine?.interrupt(renderId, when);
  }

  /**
   * Makes sure that a render has let go of the engine before the next one comes: one whose pieces cannot be taken any
   * more is interrupted, and an engine that does not let go within a block's time is ended.
   */
  async release(renderId: string, rendering: Promise<RenderOutcome>): Promise<void> {
    const engine = this.#engine;
    engine?.interrupt(renderId, 'now');
    const kill = setTimeout(() => engine?.kill(), RELEASE_MS);
    await rendering.catch(() => {});
    clearTimeout(kill);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#engine?.stop();
  }
}
