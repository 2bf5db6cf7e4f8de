import type { JWTVerifyGetKey } from 'jose';
import * as oidc from 'openid-client';
import { Unauthorized } from '../../../platform/errors/errors.ts';
import type { OpenIdOptions } from './connections.ts';
import type { ProvenAssertion } from './login.ts';
import { accessTokenClaims, isSigned, keysAt } from './openid-token.ts';

/** What a login must remember from its first half to its second. */
export interface OpenIdLogin {
  state: string;
  nonce: string;
  verifier: string;
}

/** Seconds that an answer of the provider is waited for. */
const patience = 10;
const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * OpenID Connect with one provider: authorization code with PKCE, state and nonce; and access tokens, by introspection
 * or, where there is none, by their signature.
 */
export class OpenIdConnection {
  readonly #options: OpenIdOptions;
  readonly #callback: () => string;
  #discovered: Promise<oidc.Configuration> | undefined;
  #keys: JWTVerifyGetKey | undefined;

  /** @throws TypeError for an issuer that is spoken with over plain HTTP, unless it is on this machine */
  constructor(options: OpenIdOptions, callback: () => string) {
    if (!isSafe(options.issuer)) {
      throw new TypeError(`federation: the issuer ${options.issuer} must be asked over https`);
    }
    this.#options = options;
    this.#callback = callback;
  }

  /** Where the browser is sent, and what must be remembered until it is back. */
  async begin(): Promise<{ url: string; login: OpenIdLogin }> {
    const login = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
    };
    const url = oidc.buildAuthorizationUrl(await this.#provider(), {
      redirect_uri: this.#callback(),
      scope: this.#options.scopes ?? 'openid email profile',
      state: login.state,
      nonce: login.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(login.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, login };
  }

  /**
   * @param query of the request with which the browser is back, with its question mark
   * @throws Unauthorized where code, state, nonce, signature, issuer or audience are not right
   */
  async finish(query: string, login: OpenIdLogin): Promise<ProvenAssertion> {
    const provider = await this.#provider();
    try {
      const tokens = await oidc.authorizationCodeGrant(provider, new URL(this.#callback() + query), {
        pkceCodeVerifier: login.verifier,
        expectedState: login.state,
        expectedNonce: login.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (!claims) throw new Unauthorized();
      const more =
        this.#options.userinfo === false || !provider.serverMetadata().userinfo_endpoint
          ? {}
          : await oidc.fetchUserInfo(provider, tokens.access_token, claims.sub);
      return this.#assertion({ ...more, ...claims });
    } catch (cause) {
      throw refusal(cause);
    }
  }

  /**
   * Somebody who has an access token of the provider, for this service or for a client that is accepted: that of
   * another client says that its user trusts that client, not that he is here.
   *
   * @throws Unauthorized
   */
  async bearer(token: string): Promise<ProvenAssertion> {
    const provider = await this.#provider();
    const { introspection_endpoint, userinfo_endpoint } = provider.serverMetadata();
    const { introspection = introspection_endpoint !== undefined, userinfo = introspection } = this.#options;
    try {
      const found = introspection
        ? await this.#introspected(provider, token)
        : await this.#verified(provider, token);
      const { client_id, aud, azp, scope, sub, cnf } = found;
      const accepted = [this.#options.client_id, ...(this.#options.accepted_clients ?? [])];
      const meant = [client_id, aud, azp]
        .flat()
        .some((each) => typeof each === 'string' && accepted.includes(each));
      // Who brings a token that is bound to a key must show the key (RFC 7800), which is not asked for here.
      if (!meant || cnf !== undefined) throw new Unauthorized();
      const scoped = typeof scope === 'string' && scope.split(' ').includes('openid');
      const more =
        scoped && userinfo && userinfo_endpoint ? await oidc.fetchUserInfo(provider, token, sub) : {};
      return this.#assertion({ ...found, ...more, sub });
    } catch (cause) {
      throw refusal(cause);
    }
  }

  async #introspected(provider: oidc.Configuration, token: string): Promise<Claims> {
    if (!provider.serverMetadata().introspection_endpoint) throw unsaid();
    const { active, sub, ...found } = await oidc.tokenIntrospection(provider, token);
    if (!active || typeof sub !== 'string') throw new Unauthorized();
    return { ...found, sub };
  }

  #verified(provider: oidc.Configuration, token: string): Promise<Claims> {
    const { issuer, jwks_uri } = provider.serverMetadata();
    if (!isSigned(token) || !jwks_uri || !isSafe(jwks_uri)) throw unsaid();
    this.#keys ??= keysAt(jwks_uri, patience);
    return accessTokenClaims(token, { issuer, keys: this.#keys });
  }

  #assertion(claims: Record<string, unknown>): ProvenAssertion {
    const { issuer } = this.#options;
    const attributes = claimAttributes({ ...claims, iss: issuer });
    const remoteUser = `${String(claims['sub'])}@${issuer.replace(/^https?:\/\//, '')}`;
    return { attributes: { ...attributes, REMOTE_USER: [remoteUser] }, remoteUser };
  }

  #provider(): Promise<oidc.Configuration> {
    this.#discovered ??= this.#discover();
    return this.#discovered;
  }

  async #discover(): Promise<oidc.Configuration> {
    const { issuer, client_id, client_secret } = this.#options;
    const insecure = issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [];
    try {
      return await oidc.discovery(
        new URL(issuer),
        client_id,
        client_secret,
        client_secret === undefined ? oidc.None() : oidc.ClientSecretBasic(client_secret),
        { execute: insecure, timeout: patience },
      );
    } catch (cause) {
      // It is asked again when it is needed again.
      this.#discovered = undefined;
      throw new Unauthorized('The identity provider cannot be asked now.', { cause });
    }
  }
}

/** What a token says of whom it is. */
type Claims = Readonly<Record<string, unknown>> & { sub: string };

const unsaid = (): Unauthorized =>
  new Unauthorized('The identity provider does not say whose access tokens are.');

/** Whether nobody on the way can answer for a provider. */
function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || loopback.test(hostname);
}

function refusal(cause: unknown): Unauthorized {
  if (cause instanceof Unauthorized) return cause;
  return new Unauthorized('The identity provider did not confirm who you are.', { cause });
}

/** Claims under the names that mod_auth_openidc gives them: `OIDC-email`, `OIDC_CLAIM_email`, `HTTP_OIDC_EMAIL`. */
export function claimAttributes(claims: Record<string, unknown>): Record<string, readonly string[]> {
  const attributes: Record<string, readonly string[]> = {};
  for (const [claim, value] of Object.entries(claims)) {
    const values = [value].flat().flatMap((each) => {
      if (each === null || each === undefined) return [];
      return [typeof each === 'object' ? JSON.stringify(each) : String(each)];
    });
    if (values.length === 0) continue;
    attributes[`OIDC-${claim}`] = values;
    attributes[`OIDC_CLAIM_${claim}`] = values;
    attributes[`HTTP_OIDC_${claim.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`] = values;
  }
  return attributes;
}
