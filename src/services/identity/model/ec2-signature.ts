import { createHash, createHmac } from 'node:crypto';

/** A request to another service, as that service passes it on for its signature to be checked. */
export interface SignedRequest {
  signature: string;
  host: string;
  verb: string;
  path: string;
  params: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
  body_hash?: string;
}

/** The request cannot be one that was signed: of an unknown version, or without what its version needs. */
export class UnknownSignature extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnknownSignature';
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string, algorithm = 'sha256') =>
  createHmac(algorithm, key).update(text).digest();

/** As Python's `quote(safe='-_~')`: RFC 3986's unreserved characters stay. */
const quote = (text: string, alsoSlash = true): string => {
  const quoted = encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return alsoSlash ? quoted : quoted.replaceAll('%2F', '/');
};

const byCodePoint = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const canonicalQuery = (params: SignedRequest['params']): string =>
  Object.keys(params)
    .toSorted(byCodePoint)
    .map((name) => `${quote(name)}=${quote(params[name] ?? '')}`)
    .join('&');

/**
 * The signature of a request by AWS's signature versions 0, 1, 2 or 4.
 * @throws UnknownSignature
 */
export function ec2Signature(secret: string, request: SignedRequest): string {
  const { params, headers, verb, host, path } = request;
  const version = params['SignatureVersion'];
  if (version === '0')
    return hmac(secret, `${params['Action'] ?? ''}${params['Timestamp'] ?? ''}`, 'sha1').toString('base64');
  if (version === '1') {
    const names = Object.keys(params).toSorted((a, b) => byCodePoint(a.toLowerCase(), b.toLowerCase()));
    return hmac(secret, names.map((name) => `${name}${params[name]}`).join(''), 'sha1').toString('base64');
  }
  if (version === '2') {
    const signed = { ...params, SignatureMethod: 'HmacSHA256' };
    return hmac(secret, [verb, host, path, canonicalQuery(signed)].join('\n')).toString('base64');
  }
  if (version !== undefined) throw new UnknownSignature(`Unknown signature version: ${version.slice(0, 40)}`);
  if (
    headers['Authorization']?.startsWith('AWS4-HMAC-SHA256') ||
    params['X-Amz-Algorithm'] === 'AWS4-HMAC-SHA256'
  )
    return signature4(secret, request);
  throw new UnknownSignature('Unexpected signature format');
}

function signature4(secret: string, request: SignedRequest): string {
  const { params, headers, verb, path, body_hash } = request;
  const authorization = headers['Authorization'];
  const part = (name: string): string => {
    const found =
      authorization === undefined
        ? params[`X-Amz-${name}`]
        : authorization.split(`${name}=`)[1]?.split(',')[0];
    if (found === undefined) throw new UnknownSignature(`The signature has no ${name}`);
    return found;
  };
  const date = headers['X-Amz-Date'] ?? params['X-Amz-Date'] ?? '';
  const [, day = '', region = '', service = ''] = part('Credential').split('/');
  if (day === '' || !date.startsWith(day)) throw new UnknownSignature('Request date mismatch error');
  const lower = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase().trim(), value.trim()]),
  );
  const signedHeaders = part('SignedHeaders');
  const canonicalHeaders = signedHeaders
    .split(';')
    .filter((name) => lower.has(name))
    .map((name) => `${name}:${lower.get(name)}`);
  const canonical = [
    verb.toUpperCase(),
    path,
    // A POST has its parameters in its body.
    verb.toUpperCase() === 'POST' ? '' : canonicalQuery(params),
    `${canonicalHeaders.join('\n')}\n`,
    signedHeaders,
    body_hash ?? '',
  ].join('\n');
  const scope = part('Credential').split('/').slice(1).join('/');
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  return hmac(signingKey(secret, day, region, service), toSign).toString('hex');
}

const signingKey = (secret: string, day: string, region: string, service: string): Buffer =>
  hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request');

/**
 * The signature of what an S3 client has signed.
 * @param signed the string to sign itself
 * @throws UnknownSignature for a version 4 string that is not one of S3, IAM or STS
 */
export function s3Signature(secret: string, signed: Buffer): string {
  if (!signed.subarray(0, 4).equals(Buffer.from('AWS4')))
    return createHmac('sha1', secret).update(signed).digest('base64');
  const lines = signed.toString('utf8').split('\n');
  const [day = '', region = '', service = '', end] = lines[2]?.split('/') ?? [];
  const known = lines.length === 4 && lines[0] === 'AWS4-HMAC-SHA256' && end === 'aws4_request';
  if (!known || !['s3', 'iam', 'sts'].includes(service)) throw new UnknownSignature('Invalid EC2 signature.');
  return createHmac('sha256', signingKey(secret, day, region, service))
    .update(signed)
    .digest('hex');
}
