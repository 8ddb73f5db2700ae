import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { contentTypeOfKey } from '../content-type.js';
import { InvalidByteRangeError } from '../errors.js';
import type { ByteRange, CallOptions, ObjectInfo, StoredObject } from '../object-storage.js';
import type { S3Connection } from './s3-connection.js';
import { codeOf, isAbsentObject, withRetry } from './s3-error.js';

type RangeOptions = CallOptions & { range?: ByteRange };

/** @throws InvalidByteRangeError when the range begins past the end of the object, or is not a range */
export async function downloadObject(
  connection: S3Connection,
  key: string,
  options: RangeOptions,
): Promise<StoredObject | undefined> {
  const { signal, range } = options;
  if (range !== undefined && (range.start < 0 || (range.end ?? range.start) < range.start)) {
    throw new InvalidByteRangeError(key, range);
  }
  return await connection.call(signal, async () => {
    const response = await request(connection, key, options);
    if (response === undefined) return undefined;
    const info = infoFromHeaders(key, response.headers);
    const stream = withNamedErrors(connection, response, signal);
    const sent = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers['content-range'] ?? '');
    if (sent === null) return { ...info, start: 0, end: info.size - 1, stream };
    return { ...info, size: Number(sent[3]), start: Number(sent[1]), end: Number(sent[2]), stream };
  });
}

async function request(
  { client, bucket }: S3Connection,
  key: string,
  { signal, range }: RangeOptions,
): Promise<IncomingMessage | undefined> {
  const send = () => {
    if (range === undefined) return client.getObject(bucket, key);
    const length = range.end === undefined ? 0 : range.end - range.start + 1;
    // To the client, offset and length 0 mean no range; the whole object is the same bytes.
    return client.getPartialObject(bucket, key, range.start, length);
  };
  try {
    return (await withRetry(send, signal)) as IncomingMessage;
  } catch (error) {
    if (isAbsentObject(error)) return undefined;
    if (range !== undefined && codeOf(error) === 'InvalidRange') throw new InvalidByteRangeError(key, range);
    throw error;
  }
}

/** A connection that breaks during the body ends the stream with a `StorageError`. */
function withNamedErrors(
  connection: S3Connection,
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): Readable {
  const stream = new PassThrough();
  response.on('error', (error) => stream.destroy(connection.namedError(error, signal) as Error));
  stream.on('close', () => response.destroy());
  return response.pipe(stream);
}

function infoFromHeaders(key: string, headers: IncomingHttpHeaders): ObjectInfo {
  return {
    size: Number(headers['content-length']),
    contentType: headers['content-type'] ?? contentTypeOfKey(key),
    modifiedAt: new Date(headers['last-modified'] ?? 0),
  };
}
