/**
 * Errors are thrown as what they are; each API turns them into its own error body in one place (its style).
 * They cross the bus by `kind`, so a service sees another's `NotFound` as a `NotFound`.
 */
export class ApiError extends Error {
  /** HTTP status that the error becomes when nothing between maps it. */
  readonly status: number;
  /** Stable machine word, upstream's where one exists: `NetworkNotFound`, `placement.concurrent_update`. */
  readonly code: string | undefined;
  /** Extra response headers, e.g. `Retry-After`, `WWW-Authenticate`. */
  readonly headers: Readonly<Record<string, string>>;
  /** More fields for the APIs whose error body has room for them. */
  readonly details: unknown;

  constructor(status: number, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.status = status;
    this.code = options.code;
    this.headers = options.headers ?? {};
    this.details = options.details;
  }
}

export interface ApiErrorOptions {
  code?: string;
  headers?: Record<string, string>;
  details?: unknown;
  cause?: unknown;
}

export class BadRequest extends ApiError {
  constructor(message: string, options?: ApiErrorOptions) {
    super(400, message, options);
  }
}
export class Unauthorized extends ApiError {
  constructor(message = 'The request you have made requires authentication.', options?: ApiErrorOptions) {
    super(401, message, options);
  }
}
export class Forbidden extends ApiError {
  constructor(
    message = 'You are not authorized to perform the requested action.',
    options?: ApiErrorOptions,
  ) {
    super(403, message, options);
  }
}
/** Quotas are 403 in compute (older than placement's units) and 409 or 413 elsewhere; the thrower says which. */
export class OverQuota extends ApiError {
  constructor(status: 403 | 409 | 413, message: string, options?: ApiErrorOptions) {
    super(status, message, options);
  }
}
export class NotFound extends ApiError {
  /** @param what the resource in the API's own word; @param id what was asked for */
  constructor(what: string, id?: string, options?: ApiErrorOptions) {
    super(
      404,
      id === undefined ? what : `${what[0]?.toUpperCase()}${what.slice(1)} ${id} could not be found.`,
      options,
    );
  }
}
export class MethodNotAllowed extends ApiError {
  constructor(allow: readonly string[]) {
    super(405, 'The method is not allowed for the requested URL.', { headers: { allow: allow.join(', ') } });
  }
}
export class NotAcceptable extends ApiError {
  constructor(message: string, options?: ApiErrorOptions) {
    super(406, message, options);
  }
}
export class Conflict extends ApiError {
  constructor(message: string, options?: ApiErrorOptions) {
    super(409, message, options);
  }
}
export class Gone extends ApiError {
  constructor(message: string, options?: ApiErrorOptions) {
    super(410, message, options);
  }
}
export class PayloadTooLarge extends ApiError {
  constructor(message = 'The request body is too large.', options?: ApiErrorOptions) {
    super(413, message, options);
  }
}
export class UnsupportedMediaType extends ApiError {
  constructor(message: string, options?: ApiErrorOptions) {
    super(415, message, options);
  }
}
export class NotImplemented extends ApiError {
  constructor(message: string, options?: ApiErrorOptions) {
    super(501, message, options);
  }
}
export class ServiceUnavailable extends ApiError {
  constructor(message: string, options?: ApiErrorOptions) {
    super(503, message, options);
  }
}
/** Nobody serves what was called over the bus; nothing has been done. */
export class NoSuchServer extends ServiceUnavailable {
  constructor(contract: string, method: string, { host }: { host?: string } = {}) {
    const where = host === undefined ? '' : ` on host ${host}`;
    super(`No server of ${contract}${where} is there to carry out ${method}.`, {
      code: 'NoSuchServer',
      details: { contract, method, host },
    });
  }
}
/** No answer came over the bus within the deadline (milliseconds); the work may have been done all the same. */
export class MessagingTimeout extends ServiceUnavailable {
  constructor(contract: string, method: string, { host, deadline }: { host?: string; deadline: number }) {
    const where = host === undefined ? '' : ` on host ${host}`;
    super(`${contract}${where} did not answer ${method} within ${deadline} ms.`, {
      code: 'MessagingTimeout',
      details: { contract, method, host, deadline },
    });
  }
}

const kinds: Record<string, { prototype: ApiError }> = {
  BadRequest,
  Unauthorized,
  Forbidden,
  OverQuota,
  NotFound,
  MethodNotAllowed,
  NotAcceptable,
  Conflict,
  Gone,
  PayloadTooLarge,
  UnsupportedMediaType,
  NotImplemented,
  ServiceUnavailable,
  NoSuchServer,
  MessagingTimeout,
};

/** An error as plain data, as it crosses the bus or rests in a flow's record. */
export interface ErrorRecord {
  kind: string;
  message: string;
  status?: number;
  code?: string;
  headers?: Record<string, string>;
  details?: unknown;
}

/** Turns any error into plain data; what is not an `ApiError` keeps its name and message only. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof ApiError) {
    const { status, code, headers, details, message, name } = error;
    return { kind: name, message, status, code, headers: { ...headers }, details };
  }
  if (error instanceof Error) return { kind: error.name, message: error.message };
  return { kind: 'Error', message: String(error) };
}

/** The inverse of `toErrorRecord`: `instanceof NotFound` and the rest hold again. */
export function fromErrorRecord(record: ErrorRecord): Error {
  if (record.status === undefined) {
    const error = new Error(record.message);
    error.name = record.kind;
    return error;
  }
  const error = new ApiError(record.status, record.message, {
    code: record.code,
    headers: record.headers,
    details: record.details,
  });
  const kind = kinds[record.kind];
  if (kind) Object.setPrototypeOf(error, kind.prototype);
  error.name = record.kind;
  return error;
}
