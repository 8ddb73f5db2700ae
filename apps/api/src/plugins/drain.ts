import type { Socket } from 'node:net';
import fastifyPlugin from 'fastify-plugin';
import { endEventStreams } from '../events/follow-events.js';

/** Less than the half minute that a cluster gives a process to end. */
const DRAIN_MS = 20_000;

/**
 * While the server closes, requests under way are answered; event streams end, connections that never sent anything are
 * dropped (Node waits a minute for their first request), and after 20 s so are all others.
 */
export const drain = fastifyPlugin(async (app) => {
  const sockets = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let draining = false;
  app.addHook('onSend', async (_request, reply) => {
    // A connection that is kept alive would keep the process alive.
    if (draining) reply.header('connection', 'close');
  });
  app.addHook('preClose', async () => {
    draining = true;
    endEventStreams(app.server);
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    const timer = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
    app.server.once('close', () => clearTimeout(timer));
    timer.unref();
  });
});
