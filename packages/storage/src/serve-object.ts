import type { Readable } from 'node:stream';
import { contentDisposition } from './content-disposition.js';
import type { ByteRange, CallOptions, ObjectInfo, ObjectStorage } from './object-storage.js';

export interface ServedObject {
  status: 200 | 206 | 404 | 416;
  headers: Record<string, string>;
  /** Absent for HEAD and where there is nothing to send. */
  stream?: Readable;
}

export interface ServeObjectOptions extends CallOptions {
  method?: 'GET' | 'HEAD';
  /** The request's Range header. */
  range?: string | undefined;
  downloadName?: string | undefined;
}

/**
 * Resolves a Range header (RFC 9110, section 14) for an object of `size` bytes. Several ranges and other units are
 * ignored, as the RFC allows: the response is the whole object.
 */
export function resolveRange(
  header: string | undefined,
  size: number,
): Required<ByteRange> | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(' ', '') ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return 'whole';
  if (match[1] === '') {
    const suffix = Math.min(Number(match[2]), size);
    return suffix === 0 ? 'unsatisfiable' : { start: size - suffix, end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== '' && Number(match[2]) < start) return 'whole';
  return start >= size ? 'unsatisfiable' : { start, end };
}

function headersOf(key: string, info: ObjectInfo, downloadName: string | undefined): Record<string, string> {
  return {
    'accept-ranges': 'bytes',
    'content-type': info.contentType,
    'content-disposition': contentDisposition(key, info.contentType, downloadName),
    'last-modified': info.modifiedAt.toUTCString(),
    'x-content-type-options': 'nosniff',
  };
}

/** Turns a GET or HEAD of an object into status, headers and stream, for any framework to send. */
export async function serveObject(
  storage: Pick<ObjectStorage, 'get' | 'head'>,
  key: string,
  options: ServeObjectOptions = {},
): Promise<ServedObject> {
  const { signal, downloadName } = options;
  const call = signal === undefined ? {} : { signal };
  const info = await storage.head(key, call);
  if (info === undefined) return { status: 404, headers: {} };

  const range = resolveRange(options.range, info.size);
  if (range === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${info.size}` } };
  const headers = headersOf(key, info, downloadName);
  if (range !== 'whole') headers['content-range'] = `bytes ${range.start}-${range.end}/${info.size}`;
  headers['content-length'] = String(range === 'whole' ? info.size : range.end - range.start + 1);
  const status = range === 'whole' ? 200 : 206;
  if (options.method === 'HEAD') return { status, headers };

  const object = await storage.get(key, range === 'whole' ? call : { ...call, range });
  if (object === undefined) return { status: 404, headers: {} };
  return { status, headers, stream: object.stream };
}
