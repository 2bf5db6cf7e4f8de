import type { IncomingHttpHeaders } from 'node:http';

/**
 * The URL that a client has called, which is what it signs: behind a proxy that ends TLS, and is believed to say so,
 * not the one that came here. As oslo_middleware's `http_proxy_to_wsgi`: `Forwarded` (RFC 7239), of which the first
 * proxy counts, else `X-Forwarded-Proto` and `X-Forwarded-Host`; and before the path `X-Forwarded-Prefix`.
 *
 * @param call whose origin is that of the request as it came here
 * @param path with its query
 * @param trusted whether there is such a proxy; else anybody may send these headers
 */
export function calledUrl(
  call: { origin: string; headers: IncomingHttpHeaders },
  path: string,
  trusted: boolean,
): string {
  const here = call.origin + path;
  if (!trusted) return here;
  const header = (name: string) => {
    const value = call.headers[name];
    return (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim() || undefined;
  };
  const forwarded = header('forwarded');
  const { proto, host } = forwarded
    ? pairsOf(forwarded)
    : { proto: header('x-forwarded-proto'), host: header('x-forwarded-host') };
  const { protocol, host: ownHost } = new URL(call.origin);
  const prefix = (header('x-forwarded-prefix') ?? '').replace(/\/+$/, '');
  const url = `${proto ?? protocol.replace(':', '')}://${host ?? ownHost}${prefix}${path}`;
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? url : here;
}

function pairsOf(forwarded: string): { proto?: string; host?: string } {
  return Object.fromEntries(
    forwarded.split(';').map((pair) => {
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')];
    }),
  );
}
