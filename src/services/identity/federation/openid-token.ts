import { createRemoteJWKSet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { Unauthorized } from '../../../platform/errors/errors.ts';

/** Signatures that only the provider can make. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** Seconds by which clocks may differ. */
const skew = 30;

/** Whether a token says itself what it is: a JWS in its compact form. */
export const isSigned = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);

/** Where a provider has its keys; they are asked for again when a token names one that is not known. */
export const keysAt = (url: string, patience: number): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(url), { timeoutDuration: patience * 1000, cooldownDuration: 30_000 });

/**
 * The claims of an access token that its provider has signed (RFC 9068, and what came before it), once it is sure
 * that it is one, of this provider, good now, and of a user.
 *
 * @throws Error
 */
export async function accessTokenClaims(
  token: string,
  { issuer, keys }: { issuer: string; keys: JWTVerifyGetKey },
): Promise<JWTPayload & { sub: string }> {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer,
    algorithms,
    clockTolerance: skew,
    requiredClaims: ['exp', 'sub'],
  });
  if (!isAccessToken(protectedHeader.typ, payload)) throw new Unauthorized();
  const { sub } = payload;
  // A client that speaks for itself is its own subject.
  if (typeof sub !== 'string' || sub === payload['client_id'] || sub === payload['azp'])
    throw new Unauthorized();
  return { ...payload, sub };
}

/**
 * ID tokens are signed by the same keys for the same clients, and browsers see them. An access token says by its type
 * what it is; where it does not, it has a scope and nothing that only ID tokens have.
 */
function isAccessToken(type: string | undefined, payload: JWTPayload): boolean {
  const named = type?.toLowerCase().replace(/^application\//, '');
  if (named === 'at+jwt') return true;
  if (named !== undefined && named !== 'jwt') return false;
  const ofIdTokens = ['nonce', 'at_hash', 'c_hash', 's_hash'].some((each) => payload[each] !== undefined);
  const said = payload['typ'];
  const otherwise = said !== undefined && said !== 'Bearer';
  return !ofIdTokens && !otherwise && (payload['scope'] ?? payload['scp']) !== undefined;
}
