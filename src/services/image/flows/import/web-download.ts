import type { Readable } from 'node:stream';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import { mayFetch, type UriLists } from '../../model/uri-filter.ts';
import { bodyOf } from './body.ts';

const mostRedirects = 10;

/**
 * Opens what lies at a URI for an import, at most ten redirects away: each of them must be allowed as the first is.
 *
 * @param signal ends the download too, however far it has come
 * @throws BadRequest that says what is wrong, without what the server said
 */
export async function openWeb(uri: string, lists: UriLists, signal: AbortSignal): Promise<Readable> {
  let at = uri;
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    if (!mayFetch(at, lists)) {
      throw new BadRequest(
        redirects === 0
          ? `URI for web-download does not pass filtering: ${at}`
          : `Redirect to disallowed URL: ${at}`,
      );
    }
    const response = await fetch(at, {
      redirect: 'manual',
      signal,
      headers: { 'accept-encoding': 'identity' },
    }).catch((cause: unknown) => {
      throw new BadRequest(`The server of ${at} does not answer.`, { cause });
    });
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      at = URL.canParse(location, at) ? new URL(location, at).href : location;
      continue;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new BadRequest(`The server of ${at} answered with status ${response.status}.`);
    }
    return bodyOf(response, `The server of ${at}`);
  }
  throw new BadRequest(`There are more than ${mostRedirects} redirects from ${uri}.`);
}
