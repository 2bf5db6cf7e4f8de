import { type KeyObject, sign, verify } from 'node:crypto';

/** It is no JWS of ours, or was changed, or signed by somebody else; which of them is not told. */
export class InvalidJws extends Error {
  constructor() {
    super('Could not recognize the signed token');
    this.name = 'InvalidJws';
  }
}

/** As PyJWT writes it, byte for byte. */
const header = Buffer.from('{"alg":"ES256","typ":"JWT"}').toString('base64url');
const signatureBytes = 64;
/** Characters. */
const longest = 16_384;
const segment = /^[A-Za-z0-9_-]+$/;

/** Whether a key is of the one curve that ES256 is (P-256); node would sign with any. */
export const isES256Key = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';

/** A compact JWS (RFC 7515) by ES256, as keystone's `token/providers/jws` makes them. */
export function signJws(claims: object, privateKey: KeyObject): string {
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

/**
 * The claims of a JWS that one of the keys has signed. Its header chooses nothing: ES256 it is, or nothing.
 *
 * @throws InvalidJws
 */
export function openJws(token: string, publicKeys: readonly KeyObject[]): Record<string, unknown> {
  const parts = token.length > longest ? [] : token.split('.');
  const [head, body, mark] = parts;
  if (parts.length !== 3 || !head || !body || !mark || !parts.every((part) => segment.test(part)))
    throw new InvalidJws();
  const { alg, typ = 'JWT', ...more } = parsed(head);
  // `crit` demands what we do not understand; `jwk`, `jku` and `x5c` bring keys of their own.
  if (alg !== 'ES256' || typ !== 'JWT' || Object.keys(more).length > 0) throw new InvalidJws();
  const signature = Buffer.from(mark, 'base64url');
  // Of several spellings of the same bytes one is the token: revoked in one, it must not live on in another.
  if (signature.length !== signatureBytes || signature.toString('base64url') !== mark) throw new InvalidJws();
  const signed = Buffer.from(`${head}.${body}`);
  const right = publicKeys.some((key) =>
    verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature),
  );
  if (!right) throw new InvalidJws();
  return parsed(body);
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below, as everything else that is wrong.
  }
  throw new InvalidJws();
}
