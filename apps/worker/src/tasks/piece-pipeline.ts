import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { objectKeys, type PieceRequest } from '@farm/contracts';
import { type EncodedPiece, encodePiece } from '@farm/media';
import { commitPiece, type PieceRecord } from '@farm/records';
import { type Deferred, deferred } from '../deferred.js';
import { FramesDifferError, PiecesMissingError } from '../engine/errors.js';
import { Interrupted } from '../interrupted.js';
import { sha256OfFile } from '../sha256-of-file.js';
import type { TaskContext } from '../task-context.js';

/** Pieces that may be encoded but not yet committed; a slow storage holds the engine back here. */
const MOST_UNCOMMITTED = 4;
/** Encoders that wait for frames besides the one at work, so that the engine never waits for a process to start. */
const ENCODERS_AHEAD = 1;

/**
 * From frames to committed pieces: one encoder run per piece, upload, then commit in frame order. Encoders start ahead of
 * the engine; the first failure stops all of it.
 */
export class PiecePipeline {
  readonly #context: TaskContext;
  readonly #pieces: readonly PieceRequest[];
  readonly #engineVersion: string;
  readonly #finished = new Map<number, Deferred<FinishedPiece>>();
  readonly #stop = new AbortController();
  readonly #done = deferred<void>();
  #nextToEncode = 0;
  #encoded = 0;
  #committedCount = 0;
  #finishedByEngine = 0;
  /** The commit of each piece whose encoder was started, in frame order. */
  readonly #commitOf: Promise<void>[] = [];
  #commits: Promise<void> = Promise.resolve();

  constructor(context: TaskContext, pieces: readonly PieceRequest[], engineVersion: string) {
    this.#context = context;
    this.#engineVersion = engineVersion;
    this.#pieces = pieces;
    for (const piece of pieces) this.#finished.set(piece.index, deferred());
    this.#startEncoders();
  }

  /** Rejects with the first failure of any piece; resolves when the last one is committed. */
  get committed(): Promise<void> {
    return this.#done.promise;
  }

  /** The engine wrote a piece's last frame and says what it wrote. */
  onPieceFinished(index: number, finished: FinishedPiece): void {
    this.#finishedByEngine += 1;
    this.#finished.get(index)?.resolve(finished);
  }

  /** The engine says that the render has finished: a piece that it has not reported by now never comes. */
  onRenderFinished(): void {
    const expected = this.#pieces.length;
    const missing = expected - this.#finishedByEngine;
    if (missing > 0) this.#fail(new PiecesMissingError({ missing, expected }));
  }

  /** Waits until every piece that the engine has finished is committed. */
  async settle(): Promise<void> {
    await Promise.all(this.#commitOf.slice(0, this.#finishedByEngine));
  }

  /** Ends encoders that wait for frames which will not come; pieces on their way to a commit continue. */
  async close(reason: Error): Promise<void> {
    this.#stop.abort(reason);
    for (const finished of this.#finished.values()) finished.reject(reason);
    await this.#commits.catch(() => {});
  }

  #startEncoders(): void {
    while (
      this.#nextToEncode < this.#pieces.length &&
      this.#nextToEncode - this.#encoded <= ENCODERS_AHEAD &&
      this.#nextToEncode - this.#committedCount < MOST_UNCOMMITTED &&
      !this.#stop.signal.aborted
    ) {
      const piece = this.#pieces[this.#nextToEncode]!;
      this.#nextToEncode += 1;
      const encoding = this.#encode(piece);
      encoding.catch((error) => this.#fail(error));
      // Commits keep frame order, whichever encoder ends first.
      this.#commits = this.#commits.then(async () => this.#commit(piece, await encoding));
      this.#commitOf.push(this.#commits);
      this.#commits.then(
        () => this.#committedCount === this.#pieces.length && this.#done.resolve(),
        (error) => this.#fail(error),
      );
    }
  }

  async #encode(piece: PieceRequest): Promise<{ encoded: EncodedPiece; path: string }> {
    const { claim, directory, media } = this.#context;
    const path = join(directory, `piece-${piece.index}.mp4`);
    const { width, height } = claim.job.spec;
    const signal = AbortSignal.any([this.#stop.signal, this.#context.signal]);
    const { fifoPath, frameCount } = piece;
    const encoded = await encodePiece(media, { fifoPath, outputPath: path, width, height, frameCount, signal });
    this.#encoded += 1;
    this.#startEncoders();
    return { encoded, path };
  }

  async #commit(piece: PieceRequest, { encoded, path }: { encoded: EncodedPiece; path: string }): Promise<void> {
    const { claim, records, log } = this.#context;
    const finished = await this.#finished.get(piece.index)!.promise;
    if (finished.sha256 !== encoded.sha256) throw new FramesDifferError(piece.index);
    const record = await this.#store(piece, { encoded, path, statePath: finished.statePath });
    const outcome = await commitPiece(records, { taskId: claim.task.id, attemptId: claim.attempt.id, piece: record });
    await rm(path, { force: true });
    // Its objects are left to the sweep, which reads the records: a refusal is no proof that nothing refers to them.
    if (outcome !== 'committed') throw new Interrupted(`The commit of piece ${piece.index} was refused: ${outcome}.`);
    log.info({ piece: piece.index, firstFrame: piece.firstFrame, frameCount: piece.frameCount }, 'piece committed');
    this.#committedCount += 1;
    this.#startEncoders();
  }

  async #store(
    piece: PieceRequest,
    { encoded, path, statePath }: { encoded: EncodedPiece; path: string; statePath: string | undefined },
  ): Promise<PieceRecord> {
    const { claim, storage } = this.#context;
    const { firstFrame, frameCount } = piece;
    const key = objectKeys.piece(claim.job.id, { taskId: claim.task.id, attemptId: claim.attempt.id, firstFrame });
    const fileSha256 = await sha256OfFile(path);
    await storage.put(key, { filePath: path }, { contentType: 'video/mp4' });
    const state = statePath && (await this.#storeState(piece, statePath));
    const { bytes, sha256: rawSha256 } = encoded;
    const attemptId = claim.attempt.id;
    const made = { attemptId, engineVersion: this.#engineVersion, ...(state || undefined) };
    return { firstFrame, frameCount, key, bytes, rawSha256, fileSha256, ...made };
  }

  async #storeState(piece: PieceRequest, path: string): Promise<{ stateKey: string; stateSha256: string }> {
    const { claim, storage } = this.#context;
    const key = objectKeys.state(claim.job.id, {
      taskId: claim.task.id,
      attemptId: claim.attempt.id,
      firstFrame: piece.firstFrame,
    });
    const stateSha256 = await sha256OfFile(path);
    await storage.put(key, { filePath: path }, { contentType: 'application/octet-stream' });
    await rm(path, { force: true });
    return { stateKey: key, stateSha256 };
  }

  #fail(error: unknown): void {
    this.#stop.abort(error);
    this.#done.reject(error);
  }
}

/** What the engine says of a piece: the hash of its frames, and the border state after it if it makes any. */
interface FinishedPiece {
  sha256: string;
  statePath?: string | undefined;
}
