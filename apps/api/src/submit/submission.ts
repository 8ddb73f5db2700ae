import type { Readable } from 'node:stream';
import type { InputName } from './part-names.js';

/** One part of a submit, whatever the format of its body. Nothing of it is read yet. */
export type SubmittedPart =
  | { name: 'spec'; read(): Promise<unknown> }
  /** `file` is undefined where a part is text. */
  | { name: InputName; file: { name: string | undefined; open(): Promise<Readable> } | undefined };

/** What someone sent, whatever the protocol. */
export interface Submission {
  owner: string;
  idempotencyKey: string | undefined;
  /** In any order, each read before the next one arrives. */
  parts: AsyncIterable<SubmittedPart>;
  /** Aborts when the sender has disconnected. */
  signal: AbortSignal;
  log: { warn(facts: object, message: string): void };
}
