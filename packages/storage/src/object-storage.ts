import type { Readable } from 'node:stream';

export type ObjectBody = Readable | Uint8Array | { filePath: string };

/** Who will follow a signed URL: a program inside the cluster, or a person's browser outside it. */
export type Audience = 'internal' | 'public';

/** Bytes `start` to `end`, both included and counted from 0; without `end`, to the end of the object. */
export interface ByteRange {
  start: number;
  end?: number;
}

export interface CallOptions {
  /** An aborted call rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface PutOptions extends CallOptions {
  /** Bytes to come. A body of another length is refused with `size-mismatch` and leaves no object. */
  size?: number;
  /** Refuse, with `object-too-large`, a body longer than this many bytes. */
  maximumSize?: number;
  /** Default: what the key's extension says, otherwise `application/octet-stream`. */
  contentType?: string;
}

export interface ObjectInfo {
  /** Bytes of the whole object. */
  size: number;
  contentType: string;
  modifiedAt: Date;
}

export interface StoredObject extends ObjectInfo {
  /** The requested bytes. Destroy it if you leave it unread. */
  stream: Readable;
  /** First and last byte of the stream; `end` is -1 for an empty object. */
  start: number;
  end: number;
}

export interface ListedObject {
  key: string;
  size: number;
  modifiedAt: Date;
}

export interface PresignOptions {
  audience: Audience;
  /** 1 second to 7 days. */
  expiresInSeconds: number;
}

export interface PresignGetOptions extends PresignOptions {
  /** The browser saves the object under this name instead of showing it. */
  downloadName?: string;
}

/**
 * Everything large that the farm keeps: inputs, pieces, border states, videos, manifests.
 *
 * An object appears whole or not at all, and an overwrite replaces it in one step. Absence is a value (`undefined`);
 * every failure is a `StorageError`. Keys are checked by `assertObjectKey`; keys that begin with `.farm-` belong to
 * the storage itself, are never listed and cannot be written from outside. A key must not be another key's folder (`a`
 * next to `a/b`): S3 would accept it, a filesystem cannot.
 */
export interface ObjectStorage {
  readonly kind: 'filesystem' | 's3';
  /** Where the objects are, for messages: a folder, or endpoint and bucket. */
  readonly description: string;
  /** The id of the farm that this storage belongs to; undefined until a farm has claimed it. */
  rootId(options?: CallOptions): Promise<string | undefined>;
  /** Makes this the storage of farm `id`, unless it is another one's already. @returns whose it is now, for good */
  claimRoot(id: string, options?: CallOptions): Promise<string>;
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<{ size: number }>;
  get(key: string, options?: CallOptions & { range?: ByteRange }): Promise<StoredObject | undefined>;
  /** Writes the object to `filePath` (whole or not at all); `undefined` and no file when there is no such object. */
  getToFile(key: string, filePath: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  /** Deleting what is not there is not an error. */
  delete(keys: readonly string[], options?: CallOptions): Promise<void>;
  /** Every object whose key begins with `prefix` (any string), ordered by the key's UTF-8 bytes. */
  list(prefix: string, options?: CallOptions): AsyncIterable<ListedObject>;
  /** The URL accepts GET and HEAD with Range. It is signed without checking whether the object exists. */
  presignGet(key: string, options: PresignGetOptions): Promise<string>;
  /** The URL accepts a PUT of any length. */
  presignPut(key: string, options: PresignOptions): Promise<string>;
  /** Writes, reads and deletes a probe object; rejects with the reason when one of these fails. */
  check(options?: CallOptions): Promise<void>;
  /**
   * Removes what interrupted uploads left behind, where nothing was written for `olderThanMs`. MinIO lists none of them
   * and removes them by itself after 24 hours.
   */
  sweepUnfinishedUploads(options: CallOptions & { olderThanMs: number }): Promise<{ removed: number }>;
  close(): Promise<void>;
}
