import fc from 'fast-check';

/** The part of JSON Schema 2020-12 that the API's document uses. */
export interface JsonSchema {
  $ref?: string;
  allOf?: JsonSchema[];
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

/** The same schema with every component in the place of its reference. */
export function withoutReferences(schema: JsonSchema, components: Record<string, JsonSchema>): JsonSchema {
  const resolve = (child: JsonSchema) => withoutReferences(child, components);
  const resolveAll = (children: Record<string, JsonSchema>) =>
    Object.fromEntries(Object.entries(children).map(([name, child]) => [name, resolve(child)]));
  const { $ref, allOf = [], anyOf, properties, items, additionalProperties, ...rest } = schema;
  const referred = $ref ? [{ ...components[$ref.split('/').at(-1)!] }] : [];
  return {
    ...Object.assign({}, ...[...referred, ...allOf].map(resolve)),
    ...rest,
    ...(anyOf && { anyOf: anyOf.map(resolve) }),
    ...(properties && { properties: resolveAll(properties) }),
    ...(items && { items: resolve(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'object' ? resolve(additionalProperties) : additionalProperties,
    }),
  };
}

/** What programs send by mistake, and people on purpose. */
export const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    ' ',
    '../../etc/passwd',
    '%00',
    '\u0000',
    'null',
    '__proto__',
    '*',
    '{farm}:job:x',
    '💥',
    'x'.repeat(5000),
  ),
);

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, true, -1, 0, 1e308, 2 ** 53, 0.1, [], {}, [[[[]]]], { __proto__: 1 }),
);

function ofString(schema: JsonSchema): fc.Arbitrary<string> {
  const { minLength = 0, maxLength = 40, pattern, format } = schema;
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { size: 'small' });
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 200)) });
}

function ofObject({ properties = {}, required = [], additionalProperties }: JsonSchema): fc.Arbitrary<unknown> {
  const members = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, validValueOf(schema)]));
  const known = fc.record(members, { requiredKeys: required.filter((name) => name in members) });
  if (typeof additionalProperties !== 'object') return known;
  const more = fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), validValueOf(additionalProperties), {
    maxKeys: 4,
  });
  return fc.tuple(known, more).map(([one, other]) => ({ ...other, ...one }));
}

/** Values that the schema allows. */
export function validValueOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(validValueOf));
  const { minimum, maximum } = schema;
  switch (schema.type) {
    case 'string':
      return ofString(schema);
    case 'integer':
      return fc.integer({ min: Math.max(minimum ?? -10, -(2 ** 31)), max: Math.min(maximum ?? 1e6, 2 ** 31 - 1) });
    case 'number':
      return fc.double({ min: minimum ?? 0, max: maximum ?? 1e6, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(validValueOf(schema.items ?? {}), { maxLength: 4 });
    case 'object':
      return ofObject(schema);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** Values that the schema allows, and such with one member replaced, added or lost. */
export function nearlyValueOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const spoilt = fc.tuple(validValueOf(schema), fc.nat(), oddText, oddValue).map(([value, pick, name, odd]) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return odd;
    const names = Object.keys(value);
    const victim = names[pick % Math.max(names.length, 1)];
    if (pick % 5 === 0) return { ...value, [name]: odd };
    if (pick % 5 === 1) return Object.fromEntries(Object.entries(value).filter(([key]) => key !== victim));
    return victim === undefined ? odd : { ...value, [victim]: odd };
  });
  return fc.oneof(
    { weight: 2, arbitrary: validValueOf(schema) },
    { weight: 3, arbitrary: spoilt },
    { weight: 1, arbitrary: oddValue },
  );
}
