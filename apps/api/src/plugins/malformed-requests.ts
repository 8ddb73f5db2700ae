import type { Socket } from 'node:net';
import { FarmError } from '@farm/contracts';
import { ulid } from 'ulid';
import { problemOf } from './problems.js';

interface ParserError extends Error {
  code?: string;
}

function errorFor({ code }: ParserError): FarmError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new FarmError('headers-too-large', 'The headers have more than 16 KiB together.', { status: 431 });
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new FarmError('headers-stalled', 'The headers took longer than a minute.', { status: 408 });
  return new FarmError('malformed-http', 'This is no HTTP request that can be read.', { status: 400 });
}

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** Answers what is not HTTP enough to reach a route, as a problem document all the same. */
export function answerMalformed(error: ParserError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(errorFor(error), ulid().toLowerCase());
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${phrases[problem.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
