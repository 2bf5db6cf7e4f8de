import type { Micros } from './timestamps.ts';

/** keystone's defaults: `[token] expiration` and `[token] allow_expired_window`, in seconds. */
export const defaultExpiration = 3600;
export const defaultAllowExpiredWindow = 172_800;

export interface ExpiryRequest {
  now: Micros;
  /** seconds */
  expiration?: number;
  /** when the token that was used to authenticate ends: rescoping never prolongs it */
  parentExpiresAt?: Micros;
  /** when the trust or application credential behind the token ends */
  delegationExpiresAt?: Micros | null;
}

/** When a new token ends: never later than the token, trust or credential that it stands on. */
export function tokenExpiry(request: ExpiryRequest): Micros {
  const limits = [request.now + (request.expiration ?? defaultExpiration) * 1e6];
  if (request.parentExpiresAt !== undefined) limits.push(request.parentExpiresAt);
  if (request.delegationExpiresAt != null) limits.push(request.delegationExpiresAt);
  return Math.min(...limits);
}

/**
 * Whether a token may still be used at `now`.
 * @param options.allowExpired a service that finishes long work asked with `?allow_expired=1`
 * @param options.window seconds after the end for which that is granted
 */
export function isTokenAlive(
  expiresAt: Micros,
  now: Micros,
  options: { allowExpired?: boolean; window?: number } = {},
): boolean {
  const grace = options.allowExpired ? (options.window ?? defaultAllowExpiredWindow) * 1e6 : 0;
  return now < expiresAt + grace;
}
