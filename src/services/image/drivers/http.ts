import { Readable } from 'node:stream';
import { BadRequest, Gone, NotFound, ServiceUnavailable } from '../../../platform/errors/errors.ts';
import { answeredWithin } from './patience.ts';
import type { ImageStore, StoreIdentity } from './store.ts';

/** How long a server may take to begin its answer. Milliseconds. */
const patience = 60_000;
const mostRedirects = 10;

/**
 * Images that lie on web servers: the service reads them, and writes and deletes nothing there. Their URLs are their
 * addresses.
 *
 * @param mayFollow whether a server may send the service on to a URL: who names a location must not reach all that the
 *   service reaches
 */
export function httpStore(
  { name = 'http', description = '', weight = 0 }: Partial<StoreIdentity>,
  mayFollow: (url: string) => boolean,
): ImageStore {
  async function ask(url: string, init: RequestInit, redirects = 0): Promise<Response> {
    const response = await answeredWithin(patience, (signal) =>
      fetch(url, { ...init, redirect: 'manual', signal }),
    ).catch((cause: unknown) => {
      throw new ServiceUnavailable('The server that has the image data does not answer.', { cause });
    });
    if (response.ok) return response;
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      const next = URL.parse(location, url)?.href;
      if (next === undefined || redirects >= mostRedirects || !mayFollow(next))
        throw new BadRequest(
          'The server that has the image data names another place for it, which is not allowed.',
        );
      return ask(next, init, redirects + 1);
    }
    await response.body?.cancel();
    if (response.status === 404 || response.status === 410)
      throw new NotFound('Image data could not be found.');
    throw new BadRequest(`The server that has the image data answered with status ${response.status}.`);
  }

  async function read(url: string, range?: { start: number; end: number }): Promise<Readable> {
    const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {};
    const response = await ask(url, { headers });
    const bytes = bodyOf(response);
    // A server without ranges sends all of it.
    return range && response.status !== 206 ? part(bytes, range) : bytes;
  }

  return {
    name,
    description,
    weight,
    type: 'http',
    readOnly: true,
    properties: {},
    begin: async () => {
      throw new Gone('Error in store configuration. Adding images to store is disabled.');
    },
    read,
    async readAt(url, offset, length) {
      const bytes = await read(url, { start: offset, end: offset + length - 1 });
      return Buffer.concat(await bytes.toArray());
    },
    async size(url) {
      const response = await ask(url, { method: 'HEAD' });
      const said = response.headers.get('content-length');
      return said === null ? null : Number(said);
    },
    // What is not ours stays.
    remove: async () => {},
    addressOf: (url) => url,
    urlOf: (address) => (/^https?:\/\//i.test(address) && URL.canParse(address) ? address : undefined),
    discard: async () => {},
    clean: async () => {},
  };
}

const bodyOf = (response: Response): Readable =>
  response.body ? Readable.fromWeb(response.body as never) : Readable.from([]);

/** The part of a stream from `start` to `end`, both included. */
function part(bytes: Readable, { start, end }: { start: number; end: number }): Readable {
  return Readable.from(
    (async function* () {
      let at = 0;
      for await (const chunk of bytes as AsyncIterable<Buffer>) {
        const piece = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
        at += chunk.length;
        if (piece.length > 0) yield piece;
        if (at > end) return;
      }
    })(),
    { objectMode: false },
  );
}
