import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ENGINE_PROTOCOL_VERSION, type EngineCommand, EngineEvent, type RenderCommand } from '@farm/contracts';
import type { Logger } from 'pino';
import { deferred } from '../deferred.js';
import { EngineError } from './errors.js';

export interface EngineCommandLine {
  command: string;
  args: readonly string[];
  environment: NodeJS.ProcessEnv;
}

type EventOf<Type extends EngineEvent['type']> = Extract<EngineEvent, { type: Type }>;

/** What happens during a render, as far as the worker cares. */
export interface RenderListener {
  onProgress(framesDone: number): void;
  onPieceFinished(piece: EventOf<'piece-finished'>): void;
  onWarning(warning: { code: string; message: string }): void;
}

export type RenderOutcome = { status: 'finished'; event: EventOf<'finished'> } | { status: 'interrupted' };

interface CurrentRender {
  id: string;
  listener: RenderListener;
  resolve(outcome: RenderOutcome): void;
  reject(error: Error): void;
}

/** How long an engine may be without a sign of life, or of getting on, before it is ended. Milliseconds. */
const patience = {
  /** It says `alive` every 2 s, loading included. */
  silence: 15_000,
  /** Until it is ready, libraries that come from a cold disk may hold up the whole process. */
  loadingSilence: 120_000,
  /** Between two signs of progress in a render: a storage that is away holds the engine back for 10 minutes at most. */
  standstill: 20 * 60_000,
};
const STOP_MS = 3000;
/** After its exit the pipes of an engine may be held open by processes that it had started. */
const LAST_LINES_MS = 1000;

/**
 * The engine as a child process that lives as long as the worker: one JSON object a line on standard input and output.
 * When the process ends, whatever waits for it rejects with an `EngineError`.
 */
export class EngineProcess {
  readonly exited: Promise<void>;
  readonly pid: number;
  engineVersion = '';
  description: EventOf<'ready'>['description'] = {};
  hasExited = false;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #log: Logger;
  readonly #ready = deferred<void>();
  #render: CurrentRender | undefined;
  readonly #patience: typeof patience;
  #lastHeard = performance.now();
  #lastProgress = performance.now();
  #fatal: EngineError | undefined;
  #lastWords = '';
  #isReady = false;
  #onLoading: (phase: string, fraction: number) => void;

  constructor(
    line: EngineCommandLine,
    log: Logger,
    options: { onLoading?: (phase: string, fraction: number) => void; patience?: Partial<typeof patience> } = {},
  ) {
    this.#log = log;
    this.#onLoading = options.onLoading ?? (() => {});
    this.#patience = { ...patience, ...options.patience };
    this.#child = spawn(line.command, [...line.args], { env: line.environment, stdio: ['pipe', 'pipe', 'pipe'] });
    this.pid = this.#child.pid ?? 0;
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (text) => this.#receive(text));
    createInterface({ input: this.#child.stderr }).on('line', (text) => {
      if (text.trim() !== '') this.#lastWords = text.trim();
      log.debug({ engine: true }, text);
    });
    const watch = setInterval(() => this.#checkAlive(), 1000);
    this.exited = new Promise((resolve) => {
      const end = (error: EngineError) => {
        if (this.hasExited) return;
        this.hasExited = true;
        clearInterval(watch);
        this.#fail(this.#fatal ?? error);
        resolve();
      };
      this.#child.on('error', (error) =>
        end(
          new EngineError('engine-missing', `The engine could not be started: ${error.message}`, {
            retriable: 'another-worker',
          }),
        ),
      );
      const crashed = (code: number | null, signal: NodeJS.Signals | null) =>
        end(
          new EngineError('engine-crashed', this.#describeEnd(signal ?? `exit code ${code}`), {
            retriable: 'this-worker',
          }),
        );
      this.#child.on('close', crashed);
      this.#child.on('exit', (code, signal) => setTimeout(() => crashed(code, signal), LAST_LINES_MS).unref());
    });
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** One render at a time. Rejects with the engine's own error, or with why there is no engine. */
  render(command: RenderCommand, listener: RenderListener): Promise<RenderOutcome> {
    if (this.#render) throw new Error(`The engine renders ${this.#render.id}; ${command.renderId} has to wait.`);
    return new Promise<RenderOutcome>((resolve, reject) => {
      if (this.hasExited) {
        reject(this.#fatal ?? new EngineError('engine-crashed', 'The engine has ended.', { retriable: 'this-worker' }));
        return;
      }
      this.#render = { id: command.renderId, listener, resolve, reject };
      this.#lastProgress = performance.now();
      this.#send(command);
    });
  }

  interrupt(renderId: string, when: 'now' | 'piece-end'): void {
    if (this.#render?.id === renderId) this.#send({ type: 'interrupt', renderId, when });
  }

  /** Asks the engine to leave, and ends it when it does not. */
  async stop(): Promise<void> {
    if (this.hasExited) return;
    this.#send({ type: 'shutdown' });
    this.#child.stdin.end();
    const kill = setTimeout(() => this.kill(), STOP_MS);
    await this.exited;
    clearTimeout(kill);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #describeEnd(how: string): string {
    const words = this.#lastWords === '' ? '' : ` Its last line: ${this.#lastWords.slice(0, 300)}`;
    return `The engine ended in the middle of its work (${how}).${words}`;
  }

  #send(command: EngineCommand): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  #receive(text: string): void {
    // Lines that were on their way when the engine was ended.
    if (this.#child.killed) return;
    this.#lastHeard = performance.now();
    let event: EngineEvent;
    try {
      event = EngineEvent.parse(JSON.parse(text));
    } catch (cause) {
      this.#end('engine-protocol', `The engine wrote a line that is not of its protocol: ${text.slice(0, 200)}`, cause);
      return;
    }
    this.#dispatch(event);
  }

  #dispatch(event: EngineEvent): void {
    const render = 'renderId' in event && event.renderId === this.#render?.id ? this.#render : undefined;
    switch (event.type) {
      case 'hello':
        this.engineVersion = event.engineVersion;
        if (event.protocolVersion !== ENGINE_PROTOCOL_VERSION)
          this.#end(
            'engine-protocol',
            `The engine speaks protocol ${event.protocolVersion}, and this worker ${ENGINE_PROTOCOL_VERSION}. Install both from one release.`,
          );
        return;
      case 'loading':
        this.#onLoading(event.phase, event.fraction);
        return;
      case 'ready':
        this.description = event.description;
        this.#isReady = true;
        this.#ready.resolve();
        return;
      case 'alive':
        return;
      case 'warning':
        this.#log.warn({ code: event.code }, event.message);
        render?.listener.onWarning(event);
        return;
      case 'progress':
        this.#lastProgress = performance.now();
        render?.listener.onProgress(event.framesDone);
        return;
      case 'piece-finished':
        render?.listener.onPieceFinished(event);
        return;
      case 'finished':
        this.#settle(render, { status: 'finished', event });
        return;
      case 'interrupted':
        this.#settle(render, { status: 'interrupted' });
        return;
      case 'failed':
        this.#onFailed(event);
        return;
    }
  }

  #settle(render: CurrentRender | undefined, outcome: RenderOutcome): void {
    if (!render) return;
    this.#render = undefined;
    render.resolve(outcome);
  }

  #onFailed(event: EventOf<'failed'>): void {
    const error = new EngineError(event.code, event.message, { retriable: event.retriable, data: event.details });
    if (event.renderId === null) {
      this.#fatal = error;
      this.#log.error({ code: event.code }, event.message);
      return;
    }
    const render = this.#render;
    if (render?.id !== event.renderId) return;
    this.#render = undefined;
    render.reject(error);
  }

  #fail(error: EngineError): void {
    this.#ready.reject(error);
    this.#render?.reject(error);
    this.#render = undefined;
  }

  #end(code: string, message: string, cause?: unknown): void {
    this.#fatal ??= new EngineError(code, message, {
      retriable: 'another-worker',
      data: { cause: String(cause ?? '') },
    });
    this.kill();
  }

  #lastCheck = performance.now();
  #checkAlive(): void {
    const now = performance.now();
    // A late timer means that this process itself stood still: the engine's lines are still to be read.
    if (now - this.#lastCheck > 3000) this.#lastHeard = this.#lastProgress = now;
    this.#lastCheck = now;
    const { silence, loadingSilence, standstill } = this.#patience;
    const limitMs = this.#isReady ? silence : loadingSilence;
    if (now - this.#lastHeard > limitMs)
      this.#end('engine-hung', `The engine was silent for ${limitMs / 1000} s and was ended.`);
    else if (this.#render && now - this.#lastProgress > standstill)
      this.#end('engine-hung', `The engine made no progress for ${standstill / 60_000} min and was ended.`);
  }
}
