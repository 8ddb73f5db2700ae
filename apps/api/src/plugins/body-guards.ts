import { FarmError } from '@farm/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { sendProblem } from '../problems/send-problem.js';

/** Slower than any real connection: a body that arrives more slowly for a whole period is only held open. */
const LEAST_BYTES_PER_SECOND = 512;
/** How long the rest of a refused body is read and dropped, so that the client sees the response. */
const LINGER_MS = 5000;

class UploadStalledError extends FarmError {
  constructor(seconds: number) {
    super(
      'upload-stalled',
      `The body stalled for ${seconds} s; nothing was kept. Send it again over a steadier connection.`,
    );
  }
}

const announcesBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

function watchPace(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request;
  const periodMs = app.services.configuration.limits.uploadStallSeconds * 1000;
  let seen = raw.socket.bytesRead;
  const timer = setInterval(() => {
    const received = raw.socket.bytesRead - seen;
    seen = raw.socket.bytesRead;
    // Bytes that wait here are the farm's own slowness (or the storage's), not the client's.
    const isWaitingForClient = !raw.complete && raw.readableLength === 0;
    if (!isWaitingForClient || received >= (LEAST_BYTES_PER_SECOND * periodMs) / 1000) return;
    stop();
    giveUp(request, reply, periodMs / 1000);
  }, periodMs);
  const stop = () => clearInterval(timer);
  raw.once('close', stop);
  reply.raw.once('close', stop);
}

function giveUp(request: FastifyRequest, reply: FastifyReply, seconds: number): void {
  if (reply.sent) {
    request.raw.destroy();
    return;
  }
  reply.header('connection', 'close');
  sendProblem(new UploadStalledError(seconds), request, reply);
  reply.raw.once('finish', () => request.raw.destroy());
}

/** Keeps reading for a while after an early response, so that it reaches a client that is still sending. */
function lingerAfterAnswer(request: FastifyRequest): void {
  const { raw } = request;
  if (raw.complete || raw.destroyed) return;
  raw.unpipe();
  raw.resume();
  const timer = setTimeout(() => raw.destroy(), LINGER_MS);
  raw.once('close', () => clearTimeout(timer));
  raw.once('end', () => clearTimeout(timer));
}

/** Against bodies that never end: stalled ones are given up, refused ones are not read to their end. */
export const bodyGuards = fastifyPlugin(async (app) => {
  app.addHook('onRequest', async (request, reply) => {
    if (announcesBody(request)) watchPace(app, request, reply);
  });
  app.addHook('onResponse', async (request) => lingerAfterAnswer(request));
});
