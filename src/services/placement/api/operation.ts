import type { Static, TSchema } from 'typebox';
import { ApiError, BadRequest, NotAcceptable } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import type { Method, Route } from '../../../platform/http/route.ts';
import { type Validator, validator } from '../../../platform/http/validation.ts';
import { placementErrors, unsupported } from './style.ts';

/** One operation of placement: who may ask for it, and what the answer is. */
export interface Operation {
  method: Method;
  path: string;
  summary: string;
  /** The rule to enforce first, without its `placement:`; absent: the operation asks itself, or anybody may. */
  rule?: string;
  since?: string;
  until?: string;
  public?: boolean;
  /** A body is wanted, as `application/json`. */
  body?: TSchema;
  /** Whether the answer is JSON, so that the client must accept that. */
  json?: boolean;
  answer(call: Call): unknown;
}

/**
 * An operation as a route. The order of checks is upstream's: policy, media types, then whatever the operation looks
 * for, and the body's schema only after that (`bodyOf`).
 */
export function operation({ rule, body, json, answer, ...rest }: Operation): Route {
  return {
    ...rest,
    ...(body ? { documented: body } : {}),
    async handler(call) {
      if (rule) call.enforce(`placement:${rule}`);
      if (json) assertAcceptsJson(call.headers.accept);
      if (body) assertSendsJson(call);
      return answer(call);
    },
  };
}

/** The minor part of the microversion: 1.39 is 39. */
export const minorOf = (call: Call): number => call.version % 1000;

const validators = new WeakMap<TSchema, Validator>();

/** The body of a request. @throws BadRequest unless it fits the schema */
export function bodyOf<S extends TSchema>(call: Call, schema: S): Static<S> {
  if (call.body === undefined)
    throw new BadRequest('Malformed JSON: Expecting value: line 1 column 1 (char 0)');
  if (call.body instanceof ApiError) throw call.body;
  return checked(call.body, schema);
}

/** @throws BadRequest unless the value fits the schema */
export function checked<S extends TSchema>(value: unknown, schema: S): Static<S> {
  let check = validators.get(schema);
  if (!check) {
    check = validator(schema);
    validators.set(schema, check);
  }
  const problem = check(value);
  if (problem) throw placementErrors.invalid(problem);
  return value as Static<S>;
}

/** Of schemas by the minor version that brought each (oldest first), the one of the call's. */
export function schemaAt<S>(call: Call, schemas: readonly (readonly [since: number, schema: S])[]): S {
  const found = schemas.findLast(([since]) => minorOf(call) >= since) ?? schemas[0];
  if (!found) throw new RangeError('no schemas given');
  return found[1];
}

/**
 * An answer with, from microversion 1.15 on, the headers that say how fresh it is.
 *
 * @param modified when what is shown last changed, ISO 8601; absent: now; null: there is nothing that could have
 */
export function fresh(
  call: Call,
  status: number,
  body: unknown,
  {
    modified,
    ...headers
  }: { modified?: string | null | undefined; location?: string; 'content-type'?: string } = {},
): Answer {
  const all: Record<string, string> = { ...headers };
  if (minorOf(call) >= 15) {
    if (modified !== null)
      all['last-modified'] = (modified === undefined ? new Date() : new Date(modified)).toUTCString();
    all['cache-control'] = 'no-cache';
  }
  return new Answer(status, body, all);
}

/** The newest of some times; absent where one is not known, which counts as now. */
export function newest(times: readonly (string | undefined)[]): string | undefined {
  let latest: string | undefined;
  for (const time of times) {
    if (time === undefined) return undefined;
    if (latest === undefined || time > latest) latest = time;
  }
  return latest;
}

function assertAcceptsJson(accept: string | undefined): void {
  if (!accept) return;
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.trim().toLowerCase().split(';');
    const refused = parameters.some((parameter) => /^\s*q=0(\.0*)?\s*$/.test(parameter));
    if (!refused && ['*/*', 'application/*', 'application/json'].includes(type.trim())) return;
  }
  throw new NotAcceptable('Only application/json is provided');
}

function assertSendsJson(call: Call): void {
  const type = call.headers['content-type'];
  if (type === undefined) throw unsupported('None');
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json') throw unsupported(type);
}
