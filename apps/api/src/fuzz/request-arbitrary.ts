import fc from 'fast-check';
import { type JsonSchema, nearlyValueOf, oddText, validValueOf, withoutReferences } from './schema-arbitrary.js';

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: JsonSchema;
}

export interface Operation {
  method: string;
  path: string;
  parameters: Parameter[];
  /** Body schema by media type. */
  contents: Record<string, JsonSchema>;
  statuses: number[];
}

export interface FuzzRequest {
  operation: Operation;
  /** The operation's, or one that no path accepts. */
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string | FormData;
}

interface OpenApiDocument {
  paths: Record<string, Record<string, OpenApiOperation>>;
  components: { schemas: Record<string, JsonSchema> };
}

interface OpenApiOperation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, unknown>;
}

export function operationsOf({ paths, components }: OpenApiDocument): Operation[] {
  const plain = (schema: JsonSchema) => withoutReferences(schema, components.schemas);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      parameters: parameters.map((parameter) => ({ ...parameter, schema: plain(parameter.schema) })),
      contents: Object.fromEntries(
        Object.entries(requestBody?.content ?? {}).map(([mediaType, { schema }]) => [mediaType, plain(schema)]),
      ),
      statuses: Object.keys(responses).map(Number),
    })),
  );
}

const mostly = <Value>(usual: fc.Arbitrary<Value>, odd: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: odd });

/** A header may carry printable ASCII only; the client would refuse to send anything else. */
const headerText = fc.stringMatching(/^[\x21-\x7e]{1,80}$/);

export interface Pools {
  /** Ids that exist, for path parameters; asked each time. */
  ids: () => string[];
  /** Bytes for file parts. */
  files: Blob[];
}

function pathOf(operation: Operation, { ids }: Pools): fc.Arbitrary<string> {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const existing = fc.nat().map((pick) => ids()[pick % Math.max(ids().length, 1)] ?? 'none');
  const values = names.map((name) => {
    const schema = operation.parameters.find((parameter) => parameter.name === name)?.schema ?? {};
    const text = fc.oneof(existing, existing, validValueOf(schema).map(String), oddText);
    return text.map((value) => [name, encodeURIComponent(value || ' ')] as const);
  });
  return fc
    .tuple(...values)
    .map((entries) => entries.reduce((path, [name, value]) => path.replace(`{${name}}`, () => value), operation.path));
}

function queryOf({ parameters }: Operation): fc.Arbitrary<string> {
  const known = parameters.filter((parameter) => parameter.in === 'query');
  const pairs = known.map(({ name, schema }) =>
    fc.option(mostly(validValueOf(schema).map(String), oddText).map((value) => [name, value] as [string, string])),
  );
  const more = fc.option(
    fc.tuple(
      oddText.map((text) => text),
      oddText.map((text) => text),
    ),
    { freq: 8 },
  );
  return fc.tuple(more, ...pairs).map((found) => new URLSearchParams(found.filter((pair) => pair !== null)).toString());
}

function headersOf({ parameters }: Operation, key: string): fc.Arbitrary<Record<string, string>> {
  const own = Object.fromEntries(
    parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => [name, headerText]),
  );
  const authorization = fc.oneof(
    { weight: 15, arbitrary: fc.constant(`Bearer ${key}`) },
    { weight: 1, arbitrary: headerText },
  );
  const odd = { range: headerText, 'last-event-id': headerText, accept: headerText };
  return fc.record({ authorization, ...own, ...odd }, { requiredKeys: ['authorization'] });
}

type Body = { contentType?: string; body?: string | FormData };

function bodyOf({ contents }: Operation, pools: Pools): fc.Arbitrary<Body> {
  const variants = Object.entries(contents).map(([contentType, schema]): fc.Arbitrary<Body> => {
    if (contentType === 'multipart/form-data') return formOf(schema, pools).map((body) => ({ body }));
    return nearlyValueOf(schema).map((value) => ({ contentType, body: JSON.stringify(value) ?? '' }));
  });
  const broken = fc.record({
    contentType: fc.constantFrom('application/json', 'text/plain', 'multipart/form-data; boundary=x'),
    body: oddText,
  });
  if (variants.length === 0) return mostly(fc.constant({}), broken);
  return fc.oneof(...variants.map((arbitrary) => ({ weight: 4, arbitrary })), { weight: 1, arbitrary: broken });
}

function formOf(schema: JsonSchema, { files }: Pools): fc.Arbitrary<FormData> {
  const parts = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const value =
      part.format === 'binary'
        ? mostly<string | Blob>(fc.constantFrom(...files), oddText)
        : nearlyValueOf(part).map((spec) => JSON.stringify(spec) ?? '');
    return mostly(fc.constant(name), oddText).chain((partName) => value.map((content) => [partName, content] as const));
  });
  return fc.shuffledSubarray(parts, { minLength: Math.max(0, parts.length - 1) }).chain((chosen) =>
    fc.tuple(...chosen).map((entries) => {
      const form = new FormData();
      for (const [name, content] of entries) {
        if (typeof content === 'string') form.append(name, content);
        else form.append(name, content, `${name}.bin`);
      }
      return form;
    }),
  );
}

function shown(body: Body['body']): string {
  if (!(body instanceof FormData)) return JSON.stringify(body) ?? '';
  const entries = [...body].map(([name, value]) => [name, typeof value === 'string' ? value : `${value.size} bytes`]);
  return JSON.stringify(entries);
}

const methodOf = ({ method }: Operation): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constant(method) },
    { weight: 1, arbitrary: fc.constantFrom('PATCH', 'OPTIONS') },
  );

/** Requests to every operation of the document: most nearly right, some wrong in every part. */
export function requestArbitrary(operations: Operation[], key: string, pools: Pools): fc.Arbitrary<FuzzRequest> {
  return fc.constantFrom(...operations).chain((operation) =>
    fc
      .tuple(
        pathOf(operation, pools),
        queryOf(operation),
        headersOf(operation, key),
        bodyOf(operation, pools),
        methodOf(operation),
      )
      .map(([path, query, headers, { contentType, body }, method]) => ({
        operation,
        method,
        url: query ? `${path}?${query}` : path,
        headers: contentType ? { ...headers, 'content-type': contentType } : headers,
        ...(body !== undefined && method !== 'GET' && { body }),
        // What a failure prints.
        [fc.toStringMethod]: () => `${method} ${path}?${query} ${JSON.stringify(headers)} ${shown(body)}`,
      })),
  );
}
