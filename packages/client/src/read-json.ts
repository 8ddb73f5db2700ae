import type { z } from 'zod';
import { UnexpectedResponseError } from './errors.js';
import { type ApiRequest, type Connection, callApi } from './request.js';

/** Calls the API and checks what it returns. @throws UnexpectedResponseError, and whatever `callApi` throws */
export async function readJson<Schema extends z.ZodType>(
  connection: Connection,
  schema: Schema,
  request: ApiRequest,
): Promise<z.output<Schema>> {
  const response = await callApi(connection, request);
  const { status } = response;
  const what = `${request.method} ${connection.url}${request.path}`;
  const value: unknown = await response.json().catch((cause: unknown) => {
    throw new UnexpectedResponseError(what, { status, cause });
  });
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new UnexpectedResponseError(what, { status, cause: parsed.error });
  return parsed.data;
}
