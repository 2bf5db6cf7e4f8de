import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Credentials } from '../auth/credentials.ts';
import { Unauthorized } from '../errors/errors.ts';
import { type Microversion, microversion } from '../microversion/microversion.ts';
import type { Authorizer } from './authorizer.ts';

/** Query parameters: a name given twice has all its values, in order. */
export type Query = Readonly<Record<string, string | string[]>>;

/** What an API request is, to the code that answers it. `Body` and `Params` are what the route's schema says. */
export class Call<Body = unknown> {
  readonly method: string;
  /** The path pattern of the route, for policy messages and metrics. */
  readonly headers: IncomingHttpHeaders;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly version: Microversion;
  /** Scheme, host and port as the client addressed them; links are built from it. */
  readonly origin: string;
  /** The request's path and query as sent. */
  readonly url: string;
  /** The unread body, for uploads only. */
  readonly stream: Readable;
  readonly remoteAddress: string;
  readonly #credentials: Credentials | undefined;
  readonly #token: string | undefined;
  readonly #authorizer: Authorizer;

  constructor(fields: CallFields<Body>) {
    this.method = fields.method;
    this.headers = fields.headers;
    this.params = fields.params;
    this.query = fields.query;
    this.body = fields.body;
    this.version = fields.version;
    this.origin = fields.origin;
    this.url = fields.url;
    this.stream = fields.stream;
    this.remoteAddress = fields.remoteAddress;
    this.#credentials = fields.credentials;
    this.#token = fields.token;
    this.#authorizer = fields.authorizer;
  }

  /** Who asks. @throws Unauthorized on a public route that was called without a token */
  get credentials(): Credentials {
    if (!this.#credentials) throw new Unauthorized();
    return this.#credentials;
  }

  /** Whether somebody is known to ask: on public routes only it may be nobody. */
  get authenticated(): boolean {
    return this.#credentials !== undefined;
  }

  /** The token that came along. Never to be logged or stored. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Whether the request is at `version` or a newer one. */
  since(version: string): boolean {
    return this.version >= microversion(version);
  }

  /** Whether policy lets the caller do `rule` to `target`. */
  can(rule: string, target: object = {}): boolean {
    return this.#authorizer.check(rule, this.credentials, target);
  }

  /** @throws Forbidden in this API's words unless policy lets the caller do `rule` to `target` */
  enforce(rule: string, target: object = {}): void {
    this.#authorizer.enforce(rule, this.credentials, target);
  }

  /** One value of a query parameter: the last, as WebOb and Flask give it. */
  queryValue(name: string): string | undefined {
    const value = this.query[name];
    return Array.isArray(value) ? value[value.length - 1] : value;
  }

  /** All values of a query parameter, in order; empty when it was not given. */
  queryValues(name: string): string[] {
    const value = this.query[name];
    if (value === undefined) return [];
    return Array.isArray(value) ? value : [value];
  }
}

export interface CallFields<Body> {
  method: string;
  headers: IncomingHttpHeaders;
  params: Readonly<Record<string, string>>;
  query: Query;
  body: Body;
  version: Microversion;
  origin: string;
  url: string;
  stream: Readable;
  remoteAddress: string;
  credentials: Credentials | undefined;
  token: string | undefined;
  authorizer: Authorizer;
}

/** An answer that says more than a body: status, headers, a stream. Plain data is answered as JSON. */
export class Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body?: unknown, headers: Record<string, string> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** `answer(202, { server })`, `answer(204)`, `answer(200, stream, { 'content-type': … })` */
export const answer = (status: number, body?: unknown, headers?: Record<string, string>): Answer =>
  new Answer(status, body, headers);
