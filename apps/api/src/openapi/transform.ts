import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
  type jsonSchemaTransform,
  type jsonSchemaTransformObject,
} from 'fastify-type-provider-zod';
import { z } from 'zod';
import { nameComponents, type OpenApiDocument } from './name-components.js';

declare module 'fastify' {
  interface FastifySchema {
    /** Bodies by media type, for the documentation of routes that check their body themselves. */
    requestContents?: Record<string, z.ZodType>;
  }
}

type Override = NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override'];

/** Leaves out what Zod writes and no client needs. */
const override: Override = ({ zodSchema, jsonSchema }) => {
  const { def } = zodSchema._zod;
  // `format` says it.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER && jsonSchema.maximum === Number.MAX_SAFE_INTEGER) {
    delete jsonSchema.minimum;
    delete jsonSchema.maximum;
  }
  // Responses may gain members; only requests are strict.
  if (def.type === 'object' && !('catchall' in def && def.catchall)) delete jsonSchema.additionalProperties;
  if (def.type === 'record' && Object.keys(jsonSchema.propertyNames ?? {}).join() === 'type')
    delete jsonSchema.propertyNames;
  // Zod drops the examples of requests that have defaults or transforms.
  const { id, examples } = z.globalRegistry.get(zodSchema) ?? {};
  if (id !== undefined && examples !== undefined) jsonSchema.examples = examples as never;
};

const config = { zodToJsonConfig: { override } } as Parameters<typeof createJsonSchemaTransform>[0];
const schemasOf = createJsonSchemaTransform(config);
const withComponents = createJsonSchemaTransformObject(config);

/** What a route declares, as JSON Schema. */
export const transform: typeof jsonSchemaTransform = (document) => {
  const { requestContents, ...schema } = document.schema ?? {};
  const transformed = schemasOf({ ...document, schema } as typeof document);
  const { querystring } = transformed.schema as { querystring?: JsonObject };
  if (querystring) describeReferences(querystring);
  if (requestContents === undefined) return transformed;
  const contents = Object.entries(requestContents).map(([mediaType, body]) => {
    const { schema: named } = schemasOf({ ...document, schema: { body } });
    return [mediaType, { schema: named.body }];
  });
  return { ...transformed, schema: { ...transformed.schema, body: { content: Object.fromEntries(contents) } } };
};

type JsonObject = Record<string, unknown> & { properties?: Record<string, JsonObject> };

/** Parameters keep a description only where it is not next to `$ref`. */
function describeReferences({ properties = {} }: JsonObject): void {
  for (const [name, { $ref, ...rest }] of Object.entries(properties))
    if ($ref !== undefined) properties[name] = { ...rest, allOf: [{ $ref }] };
}

/** The whole document, its components and problem responses named. */
export const transformObject: typeof jsonSchemaTransformObject = (document) =>
  nameComponents(withComponents(document) as OpenApiDocument) as ReturnType<typeof jsonSchemaTransformObject>;
