import { z } from 'zod';
import { exampleEndedAt, exampleJobId } from './examples.js';

const exampleCount = { count: 0, bytes: 0, keys: [] };

export const ObjectCount = z
  .object({
    count: z.int(),
    bytes: z.int(),
    keys: z.array(z.string()).describe('A few of them, to look at'),
  })
  .meta({ id: 'ObjectCount', description: 'Some objects of the storage', examples: [exampleCount] });
export type ObjectCount = z.infer<typeof ObjectCount>;

/** What the last sweep of the storage found. */
export const StorageSweep = z
  .object({
    at: z.iso.datetime().describe('When it ended'),
    seen: z.int().describe('Objects of jobs that it looked at'),
    deleted: z.int(),
    waiting: ObjectCount.nullable().describe(
      'More at once than a sweep deletes by itself: nothing of it is deleted until it is confirmed',
    ),
    unknown: ObjectCount.describe('Objects that no record mentions; they are left alone'),
  })
  .meta({
    id: 'StorageSweep',
    description: 'What the last sweep of the storage found',
    examples: [
      {
        at: exampleEndedAt,
        seen: 1200,
        deleted: 0,
        waiting: { count: 140, bytes: 58_720_256, keys: [`jobs/${exampleJobId}/input/speech.wav`] },
        unknown: exampleCount,
      },
    ],
  });
export type StorageSweep = z.infer<typeof StorageSweep>;
