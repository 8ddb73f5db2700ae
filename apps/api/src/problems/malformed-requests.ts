import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { FarmError } from '@farm/contracts';
import { ulid } from 'ulid';
import { problemOf } from './problem-of.js';

interface ParserError extends Error {
  code?: string;
}

class HeadersTooLargeError extends FarmError {
  constructor() {
    super('headers-too-large', 'The headers have more than 16 KiB together.');
  }
}

class HeadersStalledError extends FarmError {
  constructor() {
    super('headers-stalled', 'The headers took longer than a minute.');
  }
}

class MalformedHttpError extends FarmError {
  constructor() {
    super('malformed-http', 'This is not a valid HTTP request.');
  }
}

function errorFor({ code }: ParserError): FarmError {
  if (code === 'HPE_HEADER_OVERFLOW') return new HeadersTooLargeError();
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new HeadersStalledError();
  return new MalformedHttpError();
}

/** Responds with a problem document, too, to what is too malformed to reach a route. */
export function answerMalformed(error: ParserError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(errorFor(error), ulid().toLowerCase());
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
