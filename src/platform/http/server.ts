import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, gzip as gzipCallback } from 'node:zlib';
import Fastify, {
  type ConnectionError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { accessRulesAllow } from '../auth/access-rules.ts';
import type { Credentials } from '../auth/credentials.ts';
import { newRequestId, type RequestContext, withContext } from '../context/context.ts';
import {
  ApiError,
  BadRequest,
  MethodNotAllowed,
  NotFound,
  PayloadTooLarge,
  UnsupportedMediaType,
} from '../errors/errors.ts';
import { negotiate, versionHeaders } from '../microversion/microversion.ts';
import type { Api } from './api.ts';
import type { Authenticator, Authorizer } from './authorizer.ts';
import { Answer, Call, type Query } from './call.ts';
import { crossOrigin } from './cross-origin.ts';
import { exactly } from './exactly.ts';
import { endWhereStalled, FileBody } from './file-body.ts';
import { openApiDocument } from './openapi.ts';
import { type Prepared, prepare } from './prepared.ts';
import type { Method, Route } from './route.ts';
import type { Scene } from './scene.ts';
import { isWellFormed } from './well-formed.ts';

/** What an API server needs of the program around it. */
export interface ApiServerDependencies {
  authenticator: Authenticator;
  authorizer: Authorizer;
  log: {
    error(fields: object, message: string): void;
    info(fields: object, message: string): void;
    isLevelEnabled?(level: 'info'): boolean;
  };
  /** For `WWW-Authenticate: Keystone uri="…"`. */
  identityUrl(): string;
  /** Browser origins that may call the API; `*` for any. Default none. */
  corsOrigins?: readonly string[];
  /** Told about every answered request; seconds. */
  observe?(request: { method: string; route: string; status: number; seconds: number }): void;
}

type Parsed = (error: Error | null, body?: unknown) => void;

const gzip = promisify(gzipCallback);
/** Below this many bytes compressing costs more than sending. */
const gzipThreshold = 32 * 1024;
const defaultBodyLimit = 114_688;
const unknown = 'The resource could not be found.';
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * An HTTP server for one API, not yet listening.
 *
 * Every request has an id, is limited in size, is authenticated before its body is read, negotiates its microversion,
 * is checked against its schema, and answers errors in the API's own shape.
 */
export function serveApi(api: Api, deps: ApiServerDependencies): FastifyInstance {
  const answersHead = api.answersHead ?? true;
  const app = Fastify({
    logger: false,
    bodyLimit: api.bodyLimit ?? defaultBodyLimit,
    routerOptions: {
      ignoreTrailingSlash: !api.exactPaths,
      ignoreDuplicateSlashes: !api.exactPaths,
      maxParamLength: 512,
    },
    exposeHeadRoutes: answersHead,
    clientErrorHandler: refuseUnparsed,
    forceCloseConnections: true,
    keepAliveTimeout: 75_000,
    ...(api.rewrite ? { rewriteUrl: rewriter(api.rewrite) } : {}),
  });

  app.decorateRequest('scene', undefined);
  app.removeAllContentTypeParsers();
  const readJson = (_request: FastifyRequest, text: string | Buffer, done: Parsed) => {
    if (text === '') return done(null, undefined);
    try {
      const body: unknown = JSON.parse(text as string, refusePrototype);
      if (!isWellFormed(text as string, body)) throw new SyntaxError('text that is none');
      if (api.errors.objectsOnly && (typeof body !== 'object' || Array.isArray(body)))
        throw new SyntaxError('no object');
      done(null, body);
    } catch {
      const error =
        api.errors.badJson?.() ??
        new BadRequest('The request body is not valid JSON.', { code: 'malformed' });
      if (api.handsOnBadJson) done(null, error);
      else done(error);
    }
  };
  // JSON patch documents are JSON too: `application/openstack-images-v2.1-json-patch`.
  const json = /^application\/(?:[\w.+-]*[-+])?json(?:-patch)?(?:$|[ ;])/i;
  app.addContentTypeParser(json, { parseAs: 'string' }, readJson);
  // Anything else is left unread: other routes than uploads refuse it (415).
  if (api.readsUndeclaredJson) app.addContentTypeParser('*', { parseAs: 'string' }, readJson);
  else app.addContentTypeParser('*', leaveUnread);

  const describe = openApiDocument(api);
  const routes: Route[] = [
    ...api.routes,
    {
      method: 'GET',
      path: '/openapi.json',
      public: true,
      summary: 'This document',
      handler: () => describe(),
    },
  ];

  const paths = new Map<string, Set<Method>>();
  for (const each of routes) {
    const prepared = prepare(each);
    const seen = paths.get(each.path) ?? new Set<Method>();
    if (seen.has(each.method)) throw new Error(`${api.name}: ${each.method} ${each.path} is declared twice`);
    paths.set(each.path, seen.add(each.method));
    const options = {
      method: each.method,
      url: each.path || '/',
      ...(each.bodyLimit ? { bodyLimit: each.bodyLimit } : {}),
      config: { prepared },
      handler: dispatch,
    };
    if (!each.streams) app.route(options);
    else {
      // Uploads are streams whatever they say they are: JSON of any size must not be read into memory.
      app.register(async (uploads) => {
        uploads.removeAllContentTypeParsers();
        uploads.addContentTypeParser('*', leaveUnread);
        uploads.route(options);
      });
    }
  }
  // A path that exists answers 405 to the methods that it does not have, and says which it has.
  for (const [path, has] of paths) {
    const allow: string[] = [...has, ...(answersHead && has.has('GET') ? ['HEAD'] : [])];
    const missing = methods.filter((method) => !allow.includes(method));
    app.route({
      method: missing,
      url: path || '/',
      handler: (request, reply) =>
        failUnrouted(
          request,
          reply,
          isNowhere(request) ? new NotFound(unknown) : new MethodNotAllowed(allow),
        ),
    });
  }

  app.addHook('onRequest', (request, reply, done) => {
    const prepared = (request.routeOptions.config as { prepared?: Prepared } | undefined)?.prepared;
    const agent = request.headers['user-agent'];
    const context: RequestContext = {
      requestId: newRequestId(),
      client: { address: request.ip, ...(agent === undefined ? {} : { agent }) },
    };
    const global = request.headers['x-openstack-request-id'];
    if (typeof global === 'string' && /^req-[0-9a-f-]{36}$/i.test(global)) context.globalRequestId = global;
    const scene: Scene = {
      prepared,
      context,
      credentials: undefined,
      token: undefined,
      startedAt: performance.now(),
    };
    request.scene = scene;
    reply.header('x-openstack-request-id', context.requestId);
    if (api.headers) reply.headers(api.headers);
    if (api.requestIdHeader) reply.header(api.requestIdHeader, context.requestId);
    if (crossOrigin(request, reply, deps.corsOrigins)) return;

    const token = request.headers['x-auth-token'];
    if (typeof token !== 'string' || token === '') {
      const open = prepared ? prepared.route.public : api.guardsUnknownPaths === false;
      return open ? done() : void refuse(request, reply);
    }
    scene.token = token;
    const service = request.headers['x-service-token'];
    const settle = (credentials: Credentials | undefined) => {
      const allowed = credentials && accessRulesAllow(credentials, asRuled(request));
      if (!allowed && (credentials || !prepared?.route.public)) return void refuse(request, reply);
      if (credentials) {
        scene.credentials = credentials;
        context.credentials = credentials;
      }
      done();
    };
    try {
      const known = deps.authenticator.authenticate(token, typeof service === 'string' ? service : undefined);
      if (known instanceof Promise) known.then(settle, (error) => fail(request, reply, error));
      else settle(known);
    } catch (error) {
      fail(request, reply, error);
    }
  });

  const asRuled = (request: FastifyRequest) => ({
    service: api.name,
    method: request.method,
    path: request.originalUrl.split('?', 1)[0] as string,
  });

  function challenge(reply: FastifyReply): void {
    reply.header('www-authenticate', `Keystone uri="${deps.identityUrl()}${api.challengePath ?? ''}"`);
  }

  function refuse(request: FastifyRequest, reply: FastifyReply): void {
    if (api.errors.unauthorized) return void fail(request, reply, api.errors.unauthorized());
    challenge(reply);
    // keystonemiddleware answers with identity's error body in front of nearly every service.
    const body = {
      error: {
        code: 401,
        title: 'Unauthorized',
        message: 'The request you have made requires authentication.',
      },
    };
    finish(request, reply, 401, JSON.stringify(body), 'application/json');
  }

  /** The router takes nothing for a parameter too: `/boats/` for the boat of no name. */
  const isNowhere = ({ params }: FastifyRequest): boolean =>
    api.exactPaths === true && Object.values(params as object).includes('');

  async function dispatch(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const scene = request.scene as Scene;
    const prepared = scene.prepared as Prepared;
    const { route } = prepared;
    try {
      const version = api.microversions ? negotiate(request.headers, api.microversions) : 0;
      if (api.microversions) {
        scene.version = version;
        reply.headers(versionHeaders(version, api.microversions));
        if (version < prepared.since || version > prepared.until) throw new NotFound(unknown);
      }
      if (isNowhere(request)) throw new NotFound(unknown);
      if (request.originalUrl.includes('%00')) throw new BadRequest('The URL has a NUL character.');
      const unread = request.body !== undefined && request.body === request.raw;
      if (unread && !route.streams && hasBody(request.headers)) {
        const contentType = request.headers['content-type'];
        throw (
          api.errors.notJson?.(contentType) ??
          new UnsupportedMediaType(`Unsupported Content-Type: ${contentType ?? 'none'}`)
        );
      }
      const call = new Call({
        method: request.method,
        headers: request.headers,
        params: request.params as Record<string, string>,
        query: request.query as Query,
        body: unread ? undefined : request.body,
        version,
        origin: `${request.protocol}://${request.headers.host ?? request.host}`,
        url: request.originalUrl,
        stream: request.raw,
        remoteAddress: request.ip,
        credentials: scene.credentials,
        token: scene.token,
        authorizer: deps.authorizer,
      });
      const body = prepared.bodies.find((each) => version >= each.since);
      if (body) {
        const problem = body.check(call.body ?? null);
        if (problem) throw api.errors.invalid(problem);
      }
      if (route.policy) call.enforce(route.policy, call.params);
      const result = await withContext(scene.context, () => route.handler(call));
      return await send(request, reply, route, result);
    } catch (error) {
      if (route.streams) discardRest(request.raw);
      return fail(request, reply, error);
    }
  }

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    route: Route,
    result: unknown,
  ): Promise<FastifyReply> {
    const given = result instanceof Answer ? result : undefined;
    const body = given ? given.body : result;
    const status = given?.status ?? route.status ?? (body === undefined ? 204 : 200);
    if (given) reply.headers(given.headers);
    if (body === undefined) return finish(request, reply, status);
    if (body instanceof FileBody) {
      observe(request, status);
      reply.hijack();
      reply.raw.writeHead(status, reply.getHeaders() as OutgoingHttpHeaders);
      await body.send(reply.raw).catch((err: unknown) => complain(request, err));
      return reply;
    }
    if (typeof body === 'object' && body !== null && 'pipe' in body) {
      reply.code(status);
      observe(request, status);
      endWhereStalled(reply.raw);
      const length = given?.headers['content-length'];
      if (length === undefined || request.method === 'HEAD') return reply.send(body);
      return reply.send(exactly(body as Readable, Number(length), (err) => err && complain(request, err)));
    }
    if (typeof body === 'string' || Buffer.isBuffer(body)) return finish(request, reply, status, body);
    const text = JSON.stringify(body);
    if (text.length >= gzipThreshold && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
      reply.header('content-encoding', 'gzip');
      const packed = await gzip(text, { level: constants.Z_BEST_SPEED });
      return finish(request, reply, status, packed, 'application/json');
    }
    return finish(request, reply, status, text, 'application/json');
  }

  function finish(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    body?: string | Buffer,
    contentType?: string,
  ): FastifyReply {
    observe(request, status);
    if (contentType && typeof body === 'string') {
      // Straight to the connection: head and body go in one piece, and the content type stays what clients compare it
      // with, where Fastify would add a charset to it.
      reply.hijack();
      const length = { 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
      reply.raw.writeHead(status, { ...(reply.getHeaders() as OutgoingHttpHeaders), ...length });
      reply.raw.end(body);
      return reply;
    }
    reply.code(status);
    if (contentType) reply.header('content-type', contentType);
    return reply.send(body);
  }

  function observe(request: FastifyRequest, status: number): void {
    const scene = request.scene;
    if (!scene) return;
    const seconds = (performance.now() - scene.startedAt) / 1000;
    const route = scene.prepared?.route.path ?? 'unknown';
    deps.observe?.({ method: request.method, route, status, seconds });
    if (deps.log.isLevelEnabled?.('info') === false) return;
    withContext(scene.context, () =>
      deps.log.info(
        {
          method: request.method,
          path: request.originalUrl.split('?')[0],
          status,
          seconds: Number(seconds.toFixed(4)),
        },
        'request',
      ),
    );
  }

  /** What went wrong here, and is no fault of the client's. */
  function complain(request: FastifyRequest, err: unknown): void {
    const fields = { err, method: request.method, path: request.originalUrl.split('?')[0] };
    withContext(request.scene?.context ?? { requestId: '-' }, () => deps.log.error(fields, 'request failed'));
  }

  function fail(request: FastifyRequest, reply: FastifyReply, thrown: unknown): FastifyReply {
    const scene = request.scene;
    const error = toApiError(thrown);
    if (error.status >= 500) complain(request, thrown);
    // A 401 says where to get in, whoever refused.
    if (error.status === 401) challenge(reply);
    reply.headers(error.headers);
    const { body, contentType } = api.errors.errorBody(error, {
      requestId: scene?.context.requestId ?? '-',
      routed: scene?.prepared !== undefined,
      accept: request.headers.accept,
      version: scene?.version,
      method: request.method,
    });
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return finish(request, reply, error.status, text, contentType ?? 'application/json');
  }

  /** What never gets to a handler, for its path or its body, has a microversion all the same. */
  function failUnrouted(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
    const scene = request.scene;
    try {
      if (api.microversions && scene) {
        scene.version = negotiate(request.headers, api.microversions);
        reply.headers(versionHeaders(scene.version, api.microversions));
      }
    } catch (refusal) {
      return fail(request, reply, refusal);
    }
    return fail(request, reply, error);
  }

  /** What is no HTTP has no request either: it is answered in the API's words, on the bare connection. */
  function refuseUnparsed(problem: ConnectionError, socket: Socket): void {
    if (problem.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const error = unparsed(problem.code);
    const requestId = newRequestId();
    const scene = { requestId, routed: false, accept: undefined, method: '' };
    const { body, contentType = 'application/json' } = api.errors.errorBody(error, scene);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    socket.end(
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\ncontent-type: ${contentType}\r\n` +
        `content-length: ${Buffer.byteLength(text)}\r\nx-openstack-request-id: ${requestId}\r\n` +
        `connection: close\r\n\r\n${text}`,
    );
  }

  app.setNotFoundHandler((request, reply) => failUnrouted(request, reply, new NotFound(unknown)));
  app.setErrorHandler((error, request, reply) => failUnrouted(request, reply, error));
  return app;
}

/** How much of a refused upload is still read: many clients look for an answer only when they have sent everything. */
const discarded = 64 * 1024 * 1024;

/** Lets go of what is left of an upload that was refused: unread, it would stand before the connection's next request. */
function discardRest(body: IncomingMessage): void {
  let left = discarded;
  body.on('error', () => {});
  body.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) body.destroy();
  });
}

function leaveUnread(
  _request: FastifyRequest,
  payload: IncomingMessage,
  done: (error: Error | null, body?: unknown) => void,
): void {
  done(null, payload);
}

/** An object with a `__proto__` key is an attack or a mistake, never a request. */
function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new SyntaxError('__proto__');
  return value;
}

const rewriter =
  (rewrite: (path: string) => string) =>
  (request: { url?: string | undefined }): string => {
    const url = request.url ?? '/';
    const cut = url.indexOf('?');
    return cut < 0 ? rewrite(url) : rewrite(url.slice(0, cut)) + url.slice(cut);
  };

/** What Node's parser says was wrong with bytes that are no HTTP request. */
function unparsed(code: string): ApiError {
  switch (code) {
    case 'HPE_INVALID_CONTENT_LENGTH':
      return new BadRequest('content-length header must be an integer');
    case 'HPE_HEADER_OVERFLOW':
      return new ApiError(431, 'The headers of the request are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ApiError(408, 'The request did not arrive in time.');
    default:
      return new BadRequest('The request is not valid HTTP.');
  }
}

/** Some clients name a type for the body that they do not send. */
const hasBody = ({
  'transfer-encoding': encoding,
  'content-length': length = '0',
}: IncomingHttpHeaders): boolean => encoding !== undefined || length !== '0';

/** What was thrown, as an error that an API can word: Fastify's own are named by their codes, the unknown is a 500. */
function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const { code, statusCode, message } = thrown as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new PayloadTooLarge();
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ApiError(statusCode, message ?? 'Bad request');
  }
  return new ApiError(500, 'An unexpected error prevented the server from fulfilling your request.', {
    code: 'unexpected',
    cause: thrown,
  });
}
