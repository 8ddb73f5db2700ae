// The minimum that receiving an upload costs with the same library: every file part into a file, nothing judged or recorded.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import multipart from '@fastify/multipart';
import fastify from 'fastify';

const [folder] = process.argv.slice(2);
const app = fastify();
await app.register(multipart);
let count = 0;
app.post('/', async (request, reply) => {
  let bytes = 0;
  for await (const part of request.parts({ limits: { fileSize: Number.MAX_SAFE_INTEGER } })) {
    if (part.type !== 'file') continue;
    count += 1;
    await pipeline(part.file, createWriteStream(join(folder, String(count))));
    bytes += part.file.bytesRead;
  }
  return reply.status(201).send({ bytes });
});
process.send(await app.listen({ host: '127.0.0.1', port: 0 }));
