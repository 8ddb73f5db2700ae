import * as contracts from '@farm/contracts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestFarm, type TestFarm } from '../testing/test-farm.js';

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: unknown[];
  examples?: unknown[];
}

interface Content {
  schema: Schema & { $ref?: string };
}

interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  parameters?: { name: string; description?: string }[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, { $ref?: string; content?: Record<string, Content> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, unknown> };
  servers: { url: string }[];
  tags: { name: string; description: string }[];
}

let farm: TestFarm;
let text: string;
let document: Document;
let operations: Operation[];

const readDocument = async (url: string) => (await fetch(`${url}/openapi.json`)).text();

beforeAll(async () => {
  farm = await startTestFarm();
  text = await readDocument(farm.url);
  document = JSON.parse(text) as Document;
  operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
});
afterAll(() => farm.close());

const refsIn = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, child]) =>
        key === '$ref' && typeof child === 'string' ? [child] : refsIn(child),
      );

const pointedAt = (reference: string): unknown =>
  reference
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document);

/** Media types whose bodies have a schema of their own. */
const isTyped = ([, { schema }]: [string, Content]) => schema.$ref !== undefined || schema.type !== undefined;

describe('/openapi.json', () => {
  it('is a valid OpenAPI 3.1 document under 80 kB', async () => {
    const validator = new Validator();
    expect(await validator.validate(JSON.parse(text))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(text.length).toBeLessThan(80_000);
  });

  it('has a component for every reference, and leaves out the paths without /v1', () => {
    const references = [...new Set(refsIn(document))];
    expect(references.length).toBeGreaterThan(50);
    expect(references.filter((reference) => pointedAt(reference) === undefined)).toEqual([]);
    expect(Object.keys(document.paths).filter((path) => !path.startsWith('/v1/'))).toEqual([]);
  });

  it('gives every operation an id of its own, a summary, a tag that is described, and described parameters', () => {
    const ids = operations.map(({ operationId }) => operationId ?? '');
    expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)+$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { operationId, summary, tags: own = [], parameters = [] } of operations) {
      expect(summary, operationId).toMatch(/^[A-Z]/);
      expect(tags, operationId).toEqual(expect.arrayContaining(own));
      expect(own, operationId).toHaveLength(1);
      expect(
        parameters.filter(({ description }) => !description).map(({ name }) => name),
        operationId,
      ).toEqual([]);
    }
  });

  it('types what every operation returns, and names the problems', () => {
    for (const { operationId, responses } of operations) {
      const good = Object.entries(responses).filter(([status]) => status < '300');
      expect(good.length, operationId).toBeGreaterThan(0);
      for (const [status, { content = {} }] of good) {
        const contents = Object.entries(content);
        expect(
          contents.filter((entry) => !isTyped(entry)),
          `${operationId} ${status}`,
        ).toEqual([]);
        expect(contents.length > 0, `${operationId} ${status}`).toBe(status !== '204');
        expect(contents.filter(([type, { schema }]) => type === 'application/json' && !schema.$ref)).toEqual([]);
      }
      for (const [status, { $ref }] of Object.entries(responses).filter(([code]) => code >= '400'))
        expect($ref, `${operationId} ${status}`).toMatch(/^#\/components\/responses\/[A-Z]\w+$/);
    }
    const { content } = document.paths['/v1/jobs/{id}/video']!.get!.responses['200']!;
    expect(content!['video/mp4']!.schema).toMatchObject({ type: 'string', format: 'binary' });
  });

  it('has named schemas only: no request and no component holds an object without a name', () => {
    const bodies = operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}));
    expect(bodies.filter(({ schema }) => !schema.$ref)).toEqual([]);
    const unnamed = Object.entries(document.components.schemas).flatMap(([name, { properties = {} }]) =>
      Object.entries(properties)
        .filter(([, schema]) => schema.properties ?? schema.items?.properties)
        .map(([property]) => `${name}.${property}`),
    );
    expect(unnamed).toEqual([]);
    expect(Object.keys(document.components.schemas).filter((name) => name.endsWith('Input'))).toEqual([]);
  });

  it('starts with a relative server, and adds the public URL where one is configured', async () => {
    const replica = await farm.startReplica({ environment: { FARM_PUBLIC_URL: 'https://farm.example/api' } });
    const { servers } = JSON.parse(await readDocument(replica.url)) as Document;
    expect(document.servers.map(({ url }) => url)).toEqual(['/']);
    expect(servers.map(({ url }) => url)).toEqual(['/', 'https://farm.example/api']);
  });
});

describe('the examples', () => {
  const known = new Map(
    (Object.values(contracts) as unknown[])
      .filter((value): value is z.ZodType => value instanceof z.ZodType)
      .map((schema) => [schema.meta()?.id, schema]),
  );

  it('belong to every object, except for forms with files', () => {
    const objects = Object.entries(document.components.schemas).filter(([, { properties }]) => properties);
    const bare = objects.filter(([, { examples = [] }]) => examples.length === 0).map(([name]) => name);
    expect(bare).toEqual(['MultipartSubmitRequest']);
  });

  it('are what the schemas accept', () => {
    const checked = Object.entries(document.components.schemas).flatMap(([name, { examples = [] }]) =>
      examples.map((example) => {
        const schema = known.get(name);
        expect(schema, `${name} is exported by the contracts`).toBeDefined();
        // Members that the schema does not know would be missing.
        expect(schema!.parse(example), name).toMatchObject(example as object);
        return name;
      }),
    );
    expect(checked.length).toBeGreaterThan(25);
  });
});
