import type { Static, TSchema } from 'typebox';
import type { Call } from './call.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

/** A schema, or one for each microversion from which it holds (newest last): `[['2.1', A], ['2.19', B]]`. */
export type VersionedSchema = TSchema | readonly (readonly [since: string, schema: TSchema])[];

/** One operation of an API. What the handler returns is answered: data as JSON, nothing as an empty body. */
export interface Route {
  method: Method;
  /** Below the API's prefix; parameters as `:name`; `*` at the end takes the rest of the path: `params['*']`, decoded. */
  path: string;
  /** For the OpenAPI document: what it does, in a few words. */
  summary?: string;
  /** Answered to anybody, token or not (a valid token is still understood). */
  public?: boolean;
  /** Enforced before the handler with the path's parameters as target; handlers that know a better target ask themselves. */
  policy?: string;
  /** The microversions in which the operation exists: a 404 outside of them. */
  since?: string;
  until?: string;
  body?: VersionedSchema;
  /** What the OpenAPI document says of the body where the handler checks it itself. */
  documented?: TSchema;
  /** The body is left unread: the handler has `call.stream`. */
  streams?: boolean;
  /** Bytes; default is the API's. */
  bodyLimit?: number;
  /** When the handler returns data or nothing; default 200 with a body, 204 without. */
  status?: number;
  /** What the route was made of where it follows from a description; `describedIn` reads it. */
  from?: object;
  handler(call: Call): unknown;
}

/**
 * Declares a route; the handler's `call.body` has the type of the body's schema.
 *
 * @example
 * route({ method: 'POST', path: '/servers/:id/action', body: Action, status: 202,
 *   handler: (call) => …call.body… })
 */
export function route<B extends TSchema>(
  definition: Omit<Route, 'handler' | 'body'> & {
    body: B;
    handler(call: Call<Static<B>>): unknown;
  },
): Route;
export function route<Body = unknown>(
  definition: Omit<Route, 'handler'> & { handler(call: Call<Body>): unknown },
): Route;
export function route(definition: object): Route {
  return definition as Route;
}
