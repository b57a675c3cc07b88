import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { FettleError } from '../core/errors.ts';
import type { Caller, Role } from './access/roles.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What a handler is given. `signal`: aborts when nobody waits for the answer any more. */
export interface Input<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  /** Address the request came from. */
  readonly from: string;
  readonly signal: AbortSignal;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** One route as it stands in the table: everything the server, the API description and the access test know of it. */
export interface Route {
  readonly method: Method;
  /** With `:name` for parameters. */
  readonly path: string;
  /** Least role; `anyone`: without login. */
  readonly role: Role | 'anyone';
  /** Also for whoever has yet to choose a password of their own. */
  readonly beforeOwnPassword?: boolean;
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Of a JSON answer. */
  readonly answer?: z.ZodType;
  /** Of any other answer: application/x-ndjson, text/event-stream. */
  readonly answerType?: string;
  /** Bytes of the body; 1 MB when absent. */
  readonly bodyLimit?: number;
  readonly handle: (input: Input<never, never, never>) => unknown;
}

type Of<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
/** As handlers have it: read-only, and `ok: true` is a boolean to the compiler. */
type Frozen<Value> = Value extends boolean
  ? boolean
  : Value extends readonly unknown[]
    ? { readonly [Index in keyof Value]: Frozen<Value[Index]> }
    : Value extends object
      ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
      : Value;
/** What a handler may answer: what the schema of its answer says. */
type Answered<Schema> = Schema extends z.ZodType ? Frozen<z.output<Schema>> | Promise<Frozen<z.output<Schema>>> : unknown;

/** Declares a route; parameters, query and body have the types of their schemas in the handler. */
export function route<
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
  Answer extends z.ZodType | undefined = undefined,
>(
  declared: Omit<Route, 'params' | 'query' | 'body' | 'answer' | 'handle'> & {
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: Body;
    readonly answer?: Answer;
    readonly handle: (input: Input<Of<Params>, Of<Query>, Of<Body>>) => Answered<Answer>;
  },
): Route {
  return declared as unknown as Route;
}

/** Throws FETTLE_API_REQUEST with what is wrong and where. */
export function parseInput(schema: z.ZodType | undefined, given: unknown, where: string): unknown {
  if (schema === undefined) return undefined;
  const { data, error } = schema.safeParse(given ?? {});
  if (error === undefined) return data;
  throw new FettleError(
    'FETTLE_API_REQUEST',
    `${where}: ${error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ')}`,
  );
}
