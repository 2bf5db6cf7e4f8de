import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Authenticator } from '../http/authorizer.ts';
import type { Credentials } from './credentials.ts';

/** Who can say whether a token is good: the identity service, near or far. */
export type ValidateToken = (token: string) => Promise<Credentials | null>;

export interface CachingAuthenticator extends Authenticator {
  /** Forgets all it knows: called when any token is revoked, which is rare. Takes effect before it returns. */
  forget(): void;
}

/** The most tokens that are remembered; a token and its credentials take about 1.5 KiB. */
const remembered = 10_000;

/**
 * Validates tokens once and remembers them until they expire or something is revoked. Tokens are remembered by their
 * SHA-256, so a dump of the memory of the cache holds none.
 */
export function cachingAuthenticator(validate: ValidateToken): CachingAuthenticator {
  const known = new LRUCache<string, { credentials: Credentials; expiresAt: number }>({ max: remembered });
  // Answers that were asked for before the last revocation may be stale: they are used once and not remembered.
  let generation = 0;

  const lookUp = (token: string): Credentials | Promise<Credentials | undefined> => {
    const key = hash('sha256', token, 'base64');
    const found = known.get(key);
    if (found && found.expiresAt > Date.now()) return found.credentials;
    const asked = generation;
    return validate(token).then((credentials) => {
      if (!credentials) return undefined;
      const expiresAt = Date.parse(credentials.expiresAt);
      if (asked === generation && expiresAt > Date.now()) known.set(key, { credentials, expiresAt });
      return credentials;
    });
  };

  return {
    authenticate(token, serviceToken) {
      if (!plausible(token)) return undefined;
      const caller = lookUp(token);
      if (!serviceToken || !plausible(serviceToken)) return caller;
      return Promise.all([caller, lookUp(serviceToken)]).then(
        ([user, service]) => user && (service ? { ...user, serviceRoles: service.roles } : user),
      );
    },
    forget() {
      generation++;
      known.clear();
    },
  };
}

/** Tokens are printable and short; anything else is not worth a look-up. */
const plausible = (token: string): boolean => token.length <= 8192 && /^[\x21-\x7e]+$/.test(token);
