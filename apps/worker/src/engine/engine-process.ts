import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { ENGINE_PROTOCOL_VERSION, type EngineCommand, EngineEvent, type RenderCommand } from '@farm/contracts';
import type { Logger } from 'pino';
import { deferred } from '../deferred.js';
import { EngineOutput } from './engine-output.js';
import { EngineWatch, type Patience } from './engine-watch.js';
import {
  EngineCrashedError,
  type EngineError,
  EngineFailedError,
  EngineKilledError,
  EngineLineTooLongError,
  EngineMissingError,
  EngineProtocolVersionError,
  LONGEST_CODE,
  LONGEST_MESSAGE,
  UnknownEngineLineError,
} from './errors.js';
import { countMemoryKills } from './memory-kills.js';
import { readLines } from './read-lines.js';

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

export interface EngineProcessOptions {
  patience?: Partial<Patience>;
  /** How many processes the kernel has ended for want of memory. */
  memoryKills?: () => number | undefined;
}

interface CurrentRender {
  id: string;
  listener: RenderListener;
  resolve(outcome: RenderOutcome): void;
  reject(error: Error): void;
}

/** Of one event; the longest that engines write are a few kilobytes. */
const LONGEST_EVENT_BYTES = 1024 * 1024;
const LONGEST_PRINTED_BYTES = 4096;
const STOP_MS = 3000;
/** After its exit the pipes of an engine may be held open by processes that it had started. */
const LAST_LINES_MS = 1000;
/** A block of the slowest card and size takes about this long. */
const RELEASE_MS = 15_000;

/**
 * The engine as a child process that lives as long as the worker: one JSON object per line on standard input and output.
 * When the process ends, whatever waits for it rejects with an `EngineError`.
 */
export class EngineProcess {
  readonly exited: Promise<void>;
  readonly pid: number;
  engineVersion = '';
  hasExited = false;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #log: Logger;
  readonly #watch: EngineWatch;
  readonly #ready = deferred<void>();
  readonly #exit = deferred<void>();
  #render: CurrentRender | undefined;
  /** Why the engine ends, when that is known before it does. */
  #fatal: EngineError | undefined;
  #isReady = false;
  /** The end of what the engine printed, for logs. */
  readonly output = new EngineOutput();
  readonly #countMemoryKills: () => number | undefined;
  readonly #memoryKillsBefore: number | undefined;

  constructor(
    line: EngineCommandLine,
    log: Logger,
    { patience = {}, memoryKills = countMemoryKills }: EngineProcessOptions = {},
  ) {
    this.#countMemoryKills = memoryKills;
    this.#memoryKillsBefore = memoryKills();
    this.#log = log;
    this.exited = this.#exit.promise;
    this.#child = spawn(line.command, [...line.args], { env: line.environment, stdio: ['pipe', 'pipe', 'pipe'] });
    this.pid = this.#child.pid ?? 0;
    this.#watch = new EngineWatch(patience, (error) => this.#kill(error));
    this.#readStreams();
    this.#noticeExit();
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** One render at a time. Rejects with the engine's own error, or with why there is no engine. */
  async render(command: RenderCommand, listener: RenderListener): Promise<RenderOutcome> {
    if (this.#render) throw new Error(`The engine renders ${this.#render.id}; ${command.renderId} has to wait.`);
    if (this.hasExited)
      throw this.#fatal ?? new EngineCrashedError({ how: 'before this render', lastLine: this.output.lastLine });
    return await new Promise<RenderOutcome>((resolve, reject) => {
      this.#render = { id: command.renderId, listener, resolve, reject };
      this.#watch.renderStarted();
      this.#send(command);
    });
  }

  interrupt(renderId: string, when: 'now' | 'piece-end'): void {
    if (this.#render?.id === renderId) this.#send({ type: 'interrupt', renderId, when });
  }

  /**
   * Makes sure that a render has left the engine before the next one comes: one whose pieces cannot be used any more is
   * interrupted, and an engine that does not stop it within a block's time is ended.
   */
  async release(renderId: string, rendering: Promise<RenderOutcome>): Promise<void> {
    this.interrupt(renderId, 'now');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), RELEASE_MS);
    await rendering.catch(() => {});
    clearTimeout(kill);
  }

  /** Asks the engine to leave, and ends it when it does not. */
  async stop(): Promise<void> {
    if (this.hasExited) return;
    this.#send({ type: 'shutdown' });
    this.#child.stdin.end();
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.exited;
    clearTimeout(kill);
  }

  #readStreams(): void {
    this.#child.stdin.on('error', () => {});
    readLines(this.#child.stdout, {
      maximumBytes: LONGEST_EVENT_BYTES,
      onLine: (text) => this.#receive(text),
      onTooLong: (start) => {
        this.#kill(new EngineLineTooLongError(LONGEST_EVENT_BYTES, start));
        this.#child.stdout.destroy();
      },
    });
    const keep = (text: string) => {
      this.output.add(text);
      this.#log.debug({ engine: true }, text);
    };
    // Of a long line the beginning is kept.
    readLines(this.#child.stderr, { maximumBytes: LONGEST_PRINTED_BYTES, onLine: keep, onTooLong: keep });
  }

  #noticeExit(): void {
    const crashed = (code: number | null, signal: NodeJS.Signals | null) => this.#end(this.#crash(code, signal));
    this.#child.on('error', (error) => this.#end(new EngineMissingError(error)));
    this.#child.on('close', crashed);
    this.#child.on('exit', (code, signal) => setTimeout(() => crashed(code, signal), LAST_LINES_MS).unref());
  }

  #crash(code: number | null, signal: NodeJS.Signals | null): EngineError {
    if (signal === 'SIGKILL' && !this.#child.killed)
      return new EngineKilledError({ before: this.#memoryKillsBefore, after: this.#countMemoryKills() });
    return new EngineCrashedError({ how: signal ?? `exit code ${code}`, lastLine: this.output.lastLine });
  }

  #end(error: EngineError): void {
    if (this.hasExited) return;
    this.hasExited = true;
    this.#watch.end();
    const reason = this.#fatal ?? error;
    reason.beforeReady = !this.#isReady;
    this.#ready.reject(reason);
    this.#render?.reject(reason);
    this.#render = undefined;
    this.#exit.resolve();
  }

  #kill(reason: EngineError): void {
    this.#fatal ??= reason;
    this.#child.kill('SIGKILL');
  }

  #send(command: EngineCommand): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  #receive(text: string): void {
    // Lines that were on their way when the engine was ended.
    if (this.#child.killed) return;
    this.#watch.heard();
    let event: EngineEvent;
    try {
      event = EngineEvent.parse(JSON.parse(text));
    } catch (cause) {
      this.#kill(new UnknownEngineLineError(text, cause));
      return;
    }
    this.#dispatch(event);
  }

  #dispatch(event: EngineEvent): void {
    const render = 'renderId' in event && event.renderId === this.#render?.id ? this.#render : undefined;
    switch (event.type) {
      case 'hello':
        this.#onHello(event);
        break;
      case 'loading':
        this.#log.debug({ phase: event.phase, fraction: event.fraction }, 'engine loading');
        break;
      case 'ready':
        this.#isReady = true;
        this.#watch.ready();
        this.#ready.resolve();
        break;
      case 'alive':
        break;
      case 'warning':
        this.#onWarning(event, render);
        break;
      case 'progress':
        this.#watch.progressed();
        render?.listener.onProgress(event.framesDone);
        break;
      case 'piece-finished':
        render?.listener.onPieceFinished(event);
        break;
      case 'finished':
        this.#takeRender(event.renderId)?.resolve({ status: 'finished', event });
        break;
      case 'interrupted':
        this.#takeRender(event.renderId)?.resolve({ status: 'interrupted' });
        break;
      case 'failed':
        this.#onFailed(event);
        break;
    }
  }

  #onHello({ engineVersion, protocolVersion }: EventOf<'hello'>): void {
    this.engineVersion = engineVersion.slice(0, LONGEST_CODE);
    if (protocolVersion !== ENGINE_PROTOCOL_VERSION) this.#kill(new EngineProtocolVersionError(protocolVersion));
  }

  #onWarning(event: EventOf<'warning'>, render: CurrentRender | undefined): void {
    const warning = { code: event.code.slice(0, LONGEST_CODE), message: event.message.slice(0, LONGEST_MESSAGE) };
    this.#log.warn({ code: warning.code }, warning.message);
    render?.listener.onWarning(warning);
  }

  #onFailed(event: EventOf<'failed'>): void {
    const error = new EngineFailedError(event);
    if (event.renderId !== null) {
      this.#takeRender(event.renderId)?.reject(error);
      return;
    }
    this.#fatal = error;
    this.#log.error({ code: event.code }, event.message);
  }

  /** The render of this id, which ends with it. */
  #takeRender(renderId: string): CurrentRender | undefined {
    const render = this.#render;
    if (render?.id !== renderId) return undefined;
    this.#render = undefined;
    this.#watch.renderEnded();
    return render;
  }
}
