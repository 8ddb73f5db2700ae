import { STATUS_CODES } from 'node:http';
import { isDeepStrictEqual } from 'node:util';

interface Response {
  description?: string;
  content?: Record<string, { schema: { $ref?: string } }>;
}

interface Operation {
  responses: Record<string, Response>;
}

interface ComponentSchema {
  description?: string;
}

/** The parts of an OpenAPI document that are renamed here. */
export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, ComponentSchema>; responses?: Record<string, unknown> };
}

const schemaPath = '#/components/schemas/';
const withoutVariant = (name: string): string => name.replace(/Input$/, '');

/** Every component that `value` refers to, directly or through other components. */
function componentsUsedBy(
  value: unknown,
  schemas: Record<string, ComponentSchema>,
  found = new Set<string>(),
): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, child] of Object.entries(value)) {
    if (key !== '$ref' || typeof child !== 'string') componentsUsedBy(child, schemas, found);
    else if (child.startsWith(schemaPath) && !found.has(child.slice(schemaPath.length))) {
      const name = child.slice(schemaPath.length);
      componentsUsedBy(schemas[name], schemas, found.add(name));
    }
  }
  return found;
}

function withPlainReferences<Value>(value: Value): Value {
  const rename = (key: string, child: unknown) =>
    key === '$ref' && typeof child === 'string' ? withoutVariant(child) : child;
  return JSON.parse(JSON.stringify(value), rename) as Value;
}

/**
 * Components under one name each. They come twice, as requests (`JobSpecInput`) and as responses (`JobSpec`); a client
 * needs the one that is in use.
 *
 * @throws Error where requests and responses use one component and differ in it
 */
function plainSchemas(
  schemas: Record<string, ComponentSchema>,
  used: ReadonlySet<string>,
): Record<string, ComponentSchema> {
  const plain: Record<string, ComponentSchema> = {};
  for (const name of Object.keys(schemas).sort()) {
    const plainName = withoutVariant(name);
    const isUnused = !used.has(plainName) && !used.has(`${plainName}Input`);
    if (!used.has(name) && !(isUnused && name === plainName)) continue;
    const schema = withPlainReferences(schemas[name]!);
    if (!isDeepStrictEqual(plain[plainName] ?? schema, schema))
      throw new Error(`${plainName} differs between requests and responses: give each a schema of its own`);
    plain[plainName] = schema;
  }
  return plain;
}

/** Gives a response that is a component the component's description. */
function describeAnswers(paths: OpenApiDocument['paths'], schemas: OpenApiDocument['components']['schemas']): void {
  const answers = Object.values(paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ responses }) => Object.values(responses)),
  );
  for (const answer of answers) {
    const name = Object.values(answer.content ?? {})[0]?.schema.$ref?.slice(schemaPath.length);
    if (answer.description === 'Default Response' && name) answer.description = schemas[name]?.description ?? name;
  }
}

const isProblem = ({ content }: Response): boolean => Object.keys(content ?? {}).join() === 'application/problem+json';
const responseNameOf = (status: string): string => STATUS_CODES[status]!.replaceAll(/\W/g, '');

/** Moves the problem responses of every operation to the components. */
function moveProblems(paths: OpenApiDocument['paths']): Record<string, unknown> {
  const moved: Record<string, unknown> = {};
  for (const { responses } of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    for (const [status, response] of Object.entries(responses).filter(([, candidate]) => isProblem(candidate))) {
      moved[responseNameOf(status)] = response;
      responses[status] = { $ref: `#/components/responses/${responseNameOf(status)}` } as Response;
    }
  }
  return moved;
}

/** A document whose schemas have one name each, and whose problem responses are declared once. */
export function nameComponents(document: OpenApiDocument): OpenApiDocument {
  const { schemas } = document.components;
  const used = componentsUsedBy(document.paths, schemas);
  const paths = withPlainReferences(document.paths);
  const named = plainSchemas(schemas, used);
  const responses = moveProblems(paths);
  describeAnswers(paths, named);
  return { ...document, paths, components: { ...document.components, schemas: named, responses } };
}
