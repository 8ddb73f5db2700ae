import { FarmError } from '@farm/contracts';

/** Version of the record layout that this code writes. Readers accept this one and the one before. */
export const RECORD_SCHEMA = 3;

/** A record as Redis keeps it. */
export type Fields = Record<string, string>;

/** Every reader of a stored record calls this first. */
export function checkSchema(kind: string, fields: Fields): void {
  const schema = Number(fields.schema);
  if (schema === RECORD_SCHEMA || schema === RECORD_SCHEMA - 1) return;
  throw new RecordSchemaError(kind, fields);
}

export class RecordSchemaError extends FarmError {
  constructor(kind: string, fields: Fields) {
    super(
      'record-schema',
      `The ${kind} ${fields.id} was written with record schema ${fields.schema}, and this program reads ` +
        `${RECORD_SCHEMA - 1} and ${RECORD_SCHEMA}. Upgrade this program, or finish the old jobs with the old one first.`,
    );
  }
}

export const numberOrNull = (text: string | undefined) => (text === undefined || text === '' ? null : Number(text));
export const jsonOr = <T>(text: string | undefined, absent: T): T => (text ? (JSON.parse(text) as T) : absent);
