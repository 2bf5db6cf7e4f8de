import { openJws, signJws } from '../model/jws.ts';
import { fromClaims, toClaims } from '../model/token-claims.ts';
import { packTokenPayload, type TokenPayload, unpackTokenPayload } from '../model/token-payload.ts';
import type { JwsKeys } from '../store/jws-keys.ts';
import type { KeyRepository } from '../store/key-repository.ts';

/** What tokens look like. Of those of another format none is good: who switches logs everybody out. */
export interface TokenFormat {
  /** Whether its times are whole seconds. */
  wholeSeconds: boolean;
  /** @param issuedAt seconds since 1970 */
  seal(payload: TokenPayload, issuedAt: number): string;
  /** @throws for whatever is not such a token, whole and ours; whether it has ended is not asked */
  open(id: string): { payload: TokenPayload; createdAt: number };
}

/** @param methods the configured methods, in order: what the integer in a token means */
export const fernetFormat = (keys: KeyRepository, methods: readonly string[]): TokenFormat => ({
  wholeSeconds: false,
  seal: (payload, issuedAt) => keys.fernet.encrypt(packTokenPayload(payload, methods), issuedAt),
  open(id) {
    const { message, createdAt } = keys.fernet.decrypt(id);
    return { payload: unpackTokenPayload(message, methods), createdAt };
  },
});

/** JWS by ES256: anybody who holds a token can read it, and nobody but us can make one. */
export const jwsFormat = (keys: JwsKeys): TokenFormat => ({
  wholeSeconds: true,
  seal: (payload, issuedAt) => signJws(toClaims(payload, issuedAt), keys.current.privateKey),
  open(id) {
    const { payload, issuedAt } = fromClaims(openJws(id, keys.current.publicKeys));
    return { payload, createdAt: issuedAt };
  },
});
