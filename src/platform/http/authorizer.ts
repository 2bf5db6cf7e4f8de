import type { Credentials } from '../auth/credentials.ts';

/** The question that every API asks of policy; `platform/policy` answers it. */
export interface Authorizer {
  check(rule: string, credentials: Credentials, target: object): boolean;
  /** @throws Forbidden in the service's own words */
  enforce(rule: string, credentials: Credentials, target: object): void;
}

/** A caller known by a token: the token is good, and this is who it speaks for. */
export interface Authenticator {
  /**
   * Answers at once where the token is known, so that a warm request waits for nothing.
   * `undefined`: not a valid token.
   */
  authenticate(
    token: string,
    serviceToken?: string,
  ): Credentials | undefined | Promise<Credentials | undefined>;
}
