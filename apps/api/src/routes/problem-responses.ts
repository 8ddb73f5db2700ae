import { Problem } from '@farm/contracts';
import { z } from 'zod';

const described: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'No valid key',
  403: 'The key is not allowed to do this',
  404: 'Not found, or not yours',
  408: 'The body stalled',
  409: 'Not possible in this state',
  410: 'Gone',
  413: 'Too large',
  415: 'Unsupported media type',
  416: 'The range cannot be satisfied',
  422: 'The contents cannot be used',
  429: 'A limit is reached; the document names it',
  503: 'Redis or the storage is unavailable, or the farm is full; Retry-After says when to try again',
  507: 'The storage is full',
};

type ProblemResponses = Record<number, { description: string; content: Record<string, { schema: typeof Problem }> }>;

/** The problem documents a route may respond with, for its schema. */
export function problemResponses(statuses: number[]): ProblemResponses {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: described[status] ?? 'Problem',
        content: { 'application/problem+json': { schema: Problem } },
      },
    ]),
  );
}

/** What every route with a key may respond with. */
export const commonProblems = [400, 401, 403, 429, 503];

export const eventStreamResponse = {
  description: 'Server-sent events; the data of each is a FarmEvent',
  content: { 'text/event-stream': { schema: z.string() } },
};
