import type { EngineName, RecordedError, VramClass, WorkerStatus } from '@farm/contracts';
import { type Fields, jsonOr, numberOrNull } from '../record-schema.js';

export interface Quarantine {
  since: number;
  /** The last of the failures that led to it. */
  reason: RecordedError;
  /** How often in a row it was quarantined without a render that succeeded in between. */
  times: number;
}

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
  quarantine: Quarantine | null;
}

export function decodeQuarantine(fields: Fields): Quarantine | null {
  const { quarantinedAt, quarantineReason, quarantines } = fields;
  if (!quarantinedAt) return null;
  const unknown = { code: 'internal', message: '' };
  return { since: Number(quarantinedAt), reason: jsonOr(quarantineReason, unknown), times: Number(quarantines ?? 1) };
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
    quarantine: decodeQuarantine(fields),
  };
}
