import { createHmac, timingSafeEqual } from 'node:crypto';

/** What an `Authorization: OAuth …` header says, names once each, decoded; `realm` left out, which is never signed. */
export type OAuthParameters = ReadonlyMap<string, string>;

/** What is signed, and with what: RFC 5849, section 3.4. */
export interface Signed {
  method: string;
  /** The whole URL, with its query. */
  url: string;
  parameters: OAuthParameters;
}

/** What a request lacks, in the words of its reader: `invalid_request` and why. */
export class MalformedOAuth extends Error {
  readonly error: 'invalid_request' | 'invalid_signature_method';

  constructor(message: string, error: MalformedOAuth['error'] = 'invalid_request') {
    super(message);
    this.name = 'MalformedOAuth';
    this.error = error;
  }
}

const scheme = /^OAuth\s+/i;
const parameter = /\s*([^\s=",]+)="([^"]*)"\s*(?:,|$)/y;

/**
 * @returns undefined where there is no such header
 * @throws MalformedOAuth for one that cannot be read, or that names something twice
 */
export function parseOAuthHeader(header: string | undefined): OAuthParameters | undefined {
  const [prefix] = scheme.exec(header ?? '') ?? [];
  if (header === undefined || prefix === undefined) return undefined;
  const found = new Map<string, string>();
  parameter.lastIndex = prefix.length;
  while (parameter.lastIndex < header.length) {
    const [, name, value] = parameter.exec(header) ?? [];
    if (name === undefined || value === undefined) throw new MalformedOAuth('Malformed authorization header');
    const key = decoded(name);
    if (found.has(key)) throw new MalformedOAuth('Duplicate OAuth1 entries.');
    found.set(key, decoded(value));
  }
  found.delete('realm');
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MalformedOAuth('Malformed authorization header');
  }
}

/** Section 3.6: everything but letters, digits and `-._~`. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Section 3.4.1: the text that both sides sign. */
export function signatureBase({ method, url, parameters }: Signed): string {
  const { protocol, host, pathname, searchParams } = new URL(url);
  const pairs = [...parameters, ...searchParams]
    .filter(([name]) => name !== 'oauth_signature')
    .map(([name, value]): [string, string] => [encoded(name), encoded(value)])
    .toSorted((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]));
  const normalized = pairs.map(([name, value]) => `${name}=${value}`).join('&');
  return [method.toUpperCase(), `${protocol}//${host}${pathname}`, normalized].map(encoded).join('&');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Secrets themselves (PLAINTEXT) are not taken over the wire, and no consumer has an RSA key. */
const hashes: Readonly<Record<string, string>> = {
  'HMAC-SHA1': 'sha1',
  'HMAC-SHA256': 'sha256',
  'HMAC-SHA512': 'sha512',
};

export interface Secrets {
  consumer: string;
  /** Of the request token or the access token; empty where there is none yet. */
  token: string;
}

/** Section 3.4.2. @returns undefined for a signature method that is not known */
export function signature(signed: Signed, secrets: Secrets): Buffer | undefined {
  const hash = hashes[signed.parameters.get('oauth_signature_method') ?? ''];
  if (hash === undefined) return undefined;
  const key = `${encoded(secrets.consumer)}&${encoded(secrets.token)}`;
  return createHmac(hash, key).update(signatureBase(signed)).digest();
}

/** Whether a request was signed with these secrets; says nothing of its time. */
export function isSigned(signed: Signed, secrets: Secrets): boolean {
  const right = signature(signed, secrets);
  const given = Buffer.from(signed.parameters.get('oauth_signature') ?? '', 'base64');
  return right !== undefined && right.length === given.length && timingSafeEqual(right, given);
}

/** Seconds by which a request's time may differ from ours, and for which its nonce is remembered. */
export const timestampLifetime = 600;

/** What every signed request carries. */
export interface Stamp {
  consumerId: string;
  timestamp: number;
  nonce: string;
}

/** @throws MalformedOAuth where something is missing or the request is too old, or of a time to come */
export function stampOf(parameters: OAuthParameters, nowSeconds: number): Stamp {
  const value = (name: string) => parameters.get(`oauth_${name}`);
  const [consumerId, nonce, timestamp, method] = [
    value('consumer_key'),
    value('nonce'),
    value('timestamp'),
    value('signature_method'),
  ];
  if (!consumerId || !nonce || !timestamp || !method || !value('signature'))
    throw new MalformedOAuth('Missing mandatory OAuth parameters.');
  if (!(method in hashes)) {
    const known = Object.keys(hashes).join(', ');
    throw new MalformedOAuth(
      `Invalid signature method: one of ${known} is expected.`,
      'invalid_signature_method',
    );
  }
  if ((value('version') ?? '1.0') !== '1.0') throw new MalformedOAuth('Invalid OAuth version.');
  if (timestamp.length !== 10) throw new MalformedOAuth('Invalid timestamp size');
  if (!/^\d+$/.test(timestamp)) throw new MalformedOAuth('Timestamp must be an integer.');
  if (nonce.length > 255) throw new MalformedOAuth('Invalid nonce format.');
  if (Math.abs(nowSeconds - Number(timestamp)) > timestampLifetime) {
    throw new MalformedOAuth(
      `Timestamp given is invalid, differ from allowed by over ${timestampLifetime} seconds.`,
    );
  }
  return { consumerId, nonce, timestamp: Number(timestamp) };
}
