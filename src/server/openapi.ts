import { z } from 'zod';
import { problemSchema } from './problem.ts';
import type { Route } from './route.ts';

const jsonSchemaOf = (schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    // A later version may say more: who reads answers has to take that.
    override: ({ jsonSchema }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  }) as Record<string, unknown>;
  return rest;
};

interface Shape {
  readonly properties?: Record<string, { readonly description?: string }>;
  readonly required?: readonly string[];
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchemaOf(schema, 'input') as Shape;
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema: property,
  }));
}

/** What is not the API but pages for people. */
const isApi = ({ path }: Route): boolean => path.startsWith('/api/') || path === '/metrics';

/** OpenAPI 3.1 from the route table. */
export function openApiOf(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, role, summary, params, query, body, answer, answerType } of routes.filter(isApi)) {
    const template = path.replaceAll(/:(\w+)/g, '{$1}');
    const content =
      answerType !== undefined
        ? { [answerType]: { schema: { type: 'string' } } }
        : { 'application/json': { schema: answer === undefined ? {} : jsonSchemaOf(answer, 'output') } };
    paths[template] = {
      ...paths[template],
      [method.toLowerCase()]: {
        summary,
        operationId: `${method.toLowerCase()}${template.replace('/api/v1', '').replaceAll(/[^\w]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
        'x-fettle-role': role,
        security: role === 'anyone' ? [] : [{ bearer: [] }, { session: [] }],
        parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
        ...(body !== undefined && {
          requestBody: { required: true, content: { 'application/json': { schema: jsonSchemaOf(body, 'input') } } },
        }),
        responses: {
          200: { description: 'Done.', content },
          default: {
            description: 'Not done.',
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Fettle gateway',
      version,
      description:
        'Everything the dashboard, the command line and the Node-RED nodes use. Times are ms since the epoch unless named otherwise.',
    },
    paths,
    components: {
      schemas: { Problem: jsonSchemaOf(problemSchema, 'output') },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token: fettle token add.' },
        session: { type: 'apiKey', in: 'cookie', name: 'fettle_session' },
      },
    },
  };
}
