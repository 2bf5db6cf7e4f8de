import type { IncomingHttpHeaders } from 'node:http';
import {
  isSigned,
  MalformedOAuth,
  type OAuthParameters,
  parseOAuthHeader,
  type Stamp,
  stampOf,
} from '../model/oauth1.ts';
import type { OAuth1 } from '../store/oauth1.ts';
import type { ConsumerRow } from '../store/tables/oauth1.ts';

/** A request that carries an OAuth header which can be read; nothing of it is proved yet. */
export interface OAuthRequest {
  method: string;
  url: string;
  parameters: OAuthParameters;
  stamp: Stamp;
}

/**
 * Reads the OAuth header of a request.
 * @throws MalformedOAuth where it is missing, lacks something, or is not of now
 */
export function oauthRequest(request: {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
}): OAuthRequest {
  const parameters = parseOAuthHeader(request.headers.authorization);
  if (!parameters) throw new MalformedOAuth('Cannot retrieve Authorization headers');
  const { method, url } = request;
  return { method, url, parameters, stamp: stampOf(parameters, Math.floor(Date.now() / 1000)) };
}

/**
 * Whether a request was signed by a consumer, with the secret of the token that it speaks of, and is seen for the
 * first time.
 */
export async function isGenuine(
  oauth1: OAuth1,
  request: OAuthRequest,
  consumer: ConsumerRow,
  token?: { id: string; secret: string },
): Promise<boolean> {
  if (!isSigned(request, { consumer: consumer.secret, token: token?.secret ?? '' })) return false;
  // Last, so that only who knows the secrets can make anything be remembered.
  return oauth1.isFirst(request.stamp, token?.id);
}
