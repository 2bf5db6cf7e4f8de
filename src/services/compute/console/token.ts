import type { IncomingHttpHeaders } from 'node:http';

/** Tokens are UUIDs; room is left for other forms, and none for anything but a token. */
const shape = /^[\w-]{8,128}$/;

/**
 * The console token of a request for a WebSocket, where its client may have put it: in the query
 * (`/?token=…`, `/websockify?token=…`), in a query within the query (`?path=%3Ftoken%3D…`, as in the page's own URL),
 * or in a cookie in either form, as noVNC did before 1.1. Source: nova/console/websocketproxy.py.
 */
export function consoleToken(url: string, cookies: IncomingHttpHeaders['cookie']): string | undefined {
  const found = inQuery(url.slice(url.indexOf('?') + 1)) ?? inCookies(cookies);
  return found !== undefined && shape.test(found) ? found : undefined;
}

function inQuery(query: string): string | undefined {
  const fields = new URLSearchParams(query);
  const token = fields.getAll('token').at(-1);
  if (token) return token;
  const path = fields.get('path');
  return path?.includes('?')
    ? (new URLSearchParams(path.slice(path.indexOf('?') + 1)).get('token') ?? undefined)
    : undefined;
}

function inCookies(cookies: string | undefined): string | undefined {
  for (const each of cookies?.split(';') ?? []) {
    const token = inQuery(each.trim());
    if (token) return token;
  }
  return undefined;
}
