import type { Readable } from 'node:stream';
import type { StoredInput } from '@farm/records';
import type { RequestedSpec } from './read-spec.js';

/** A part of a multipart body; those of `@fastify/multipart` fit. */
export type SubmittedPart =
  | { type: 'field'; fieldname: string | undefined; value: unknown; valueTruncated: boolean }
  | { type: 'file'; fieldname: string | undefined; filename: string | undefined; file: Readable };

/** What someone sent, whatever the protocol. */
export interface Submission {
  owner: string;
  idempotencyKey: string | undefined;
  /** Parts as they arrive, or JSON that names uploads. */
  body: { parts: AsyncIterable<SubmittedPart> } | { json: unknown };
  /** Aborts when the sender has disconnected. */
  signal: AbortSignal;
  log: { warn(facts: object, message: string): void };
}

/** A job that is being received and may yet be refused. */
export interface IncomingJob {
  id: string;
  owner: string;
  signal: AbortSignal;
  /** Every key in storage, each added before its first byte is written. */
  storedKeys: Set<string>;
}

export interface ReceivedJob {
  spec: RequestedSpec;
  portrait: StoredInput;
  speech: StoredInput;
}
