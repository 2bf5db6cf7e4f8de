import type { FastifyReply, FastifyRequest } from 'fastify';

const corsMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const corsHeaders =
  'Content-Type, Accept, X-Auth-Token, X-Subject-Token, X-Service-Token, OpenStack-API-Version, X-OpenStack-Nova-API-Version, X-OpenStack-Request-ID';
const corsHeaderNames = new Set(corsHeaders.toLowerCase().split(', '));

/**
 * Answers a preflight and marks a permitted cross-origin request. As oslo.middleware: every preflight is a 200, and
 * only its headers tell the browser that it may go on; the headers that it asked for are said again.
 *
 * @returns whether the request is answered
 */
export function crossOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  origins: readonly string[] = [],
): boolean {
  const { origin } = request.headers;
  if (!origin || origins.length === 0) return false;
  const preflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers;
  const asked = namesIn(request.headers['access-control-request-headers']);
  const permitted =
    (origins.includes(origin) || origins.includes('*')) &&
    (!preflight || asked.every((name) => corsHeaderNames.has(name.toLowerCase())));
  if (permitted) {
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers':
        'X-Subject-Token, X-OpenStack-Request-ID, OpenStack-API-Version, Location',
      vary: 'Origin',
    });
  }
  if (!preflight) return false;
  if (permitted) {
    reply.headers({
      'access-control-allow-methods': corsMethods,
      'access-control-allow-headers': asked.length > 0 ? asked.join(', ') : corsHeaders,
      'access-control-max-age': '3600',
    });
  }
  reply.code(200).send();
  return true;
}

const namesIn = (header: string | undefined): string[] =>
  (header ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
