import type { EngineName, VramClass, WorkerStatus } from '@farm/contracts';
import { type Fields, numberOrNull } from '../record-schema.js';

export interface WorkerRecord {
  id: string;
  status: WorkerStatus;
  vramClass: VramClass;
  engine: EngineName;
  engineVersion: string;
  host: string;
  gpu: string | null;
  startedAt: number;
  seenAt: number;
  /** By how much its clock is ahead of Redis's; null until it has been measured. */
  clockSkewMs: number | null;
}

export function decodeWorker(fields: Fields): WorkerRecord {
  return {
    id: fields.id!,
    status: fields.status as WorkerRecord['status'],
    vramClass: fields.vramClass as WorkerRecord['vramClass'],
    engine: fields.engine as WorkerRecord['engine'],
    engineVersion: fields.engineVersion ?? '',
    host: fields.host ?? '',
    gpu: fields.gpu || null,
    startedAt: Number(fields.startedAt),
    seenAt: Number(fields.seenAt),
    clockSkewMs: numberOrNull(fields.clockSkewMs),
  };
}
