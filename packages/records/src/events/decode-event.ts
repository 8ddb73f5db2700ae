import type { EventType, FarmEvent } from '@farm/contracts';

/** An entry of a Redis stream. */
export type Entry = [id: string, fields: string[]];

export function decodeEvent([id, fields]: Entry): FarmEvent {
  const all: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) all[fields[i]!] = fields[i + 1]!;
  const { type, at, jobId, taskId, attemptId, workerId, ...data } = all;
  return {
    id,
    type: type as EventType,
    at: new Date(Number(at)).toISOString(),
    ...(jobId && { jobId }),
    ...(taskId && { taskId }),
    ...(attemptId && { attemptId }),
    ...(workerId && { workerId }),
    data,
  };
}
