import type { Credentials } from '../../../platform/auth/credentials.ts';
import type { Authority } from '../model/authority.ts';
import type { Scope } from '../model/scope.ts';
import type { Micros } from '../model/timestamps.ts';
import type { UserRow } from '../store/tables.ts';

/** What an authority leaves of a token. */
export interface Bounds {
  /** The roles of the token; none, and a scoped token is good for nothing. */
  roleIds: readonly string[];
  /** Whom the token speaks for instead of its user; he is enabled, and so is his domain. */
  speaksFor?: UserRow;
  /** No token outlives it. */
  expiresAt?: Micros;
  /** Shown in the token beside what every token shows: `{ 'OS-TRUST:trust': … }`. */
  shown?: Readonly<Record<string, unknown>>;
  /** Shown in the token's user: `{ 'OS-FEDERATION': … }`. */
  shownOfUser?: Readonly<Record<string, unknown>>;
  /** What other services must know of it. */
  credentials?: Partial<Credentials>;
}

export interface BoundToken {
  /** Whom it was given to; enabled, and so is his domain. */
  user: UserRow;
  scope: Scope | undefined;
  /** Ids of the roles that a user has in the token's scope by himself, implied ones included. */
  rolesOf(userId: string): Promise<readonly string[]>;
}

/**
 * Looks an authority up: asked whenever such a token is given or validated and not remembered from before the last
 * write. Undefined where it is gone or does not hold (any more): the token is not good then.
 */
export type BoundsOf<K extends Authority['kind']> = (
  authority: Extract<Authority, { kind: K }>,
  token: BoundToken,
) => Promise<Bounds | undefined>;

/** By kind; tokens of the kinds that are not among them are refused. */
export type Authorities = { readonly [K in Authority['kind']]?: BoundsOf<K> };

export function boundsOf(
  authorities: Authorities,
  authority: Authority,
  token: BoundToken,
): Promise<Bounds | undefined> | undefined {
  const find = authorities[authority.kind] as BoundsOf<Authority['kind']> | undefined;
  return find?.(authority, token);
}
