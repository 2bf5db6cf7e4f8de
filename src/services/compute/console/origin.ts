import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether the page that opens a WebSocket came from the host that it opens it to, so that no other page can use a
 * token that it got hold of. The port may be another one, since proxies stand in between. A client that is no
 * browser has no origin, and is let in. Source: nova/console/websocketproxy.py `new_websocket_client`.
 */
export function fromThisHost({ origin, host }: IncomingHttpHeaders): boolean {
  if (origin === undefined) return true;
  const page = URL.parse(origin);
  const here = URL.parse(`http://${host}`);
  return (
    page !== null &&
    here !== null &&
    (page.protocol === 'http:' || page.protocol === 'https:') &&
    page.hostname === here.hostname
  );
}
