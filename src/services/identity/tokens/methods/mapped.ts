import { Type } from 'typebox';
import type { FederatedLogin } from '../../federation/login.ts';
import { expecting } from '../expecting.ts';
import type { Tokens } from '../tokens.ts';
import { type AuthMethod, authMethod } from './method.ts';

/**
 * `mapped`, and the protocols by their own names: a token that an identity provider stands behind, for another scope;
 * or the word of a web server in front that has spoken with the provider.
 *
 * Upstream: keystone/auth/plugins/mapped.py.
 */
export const mappedMethod = (name: string, tokens: Tokens, login: FederatedLogin): AuthMethod =>
  authMethod({
    name,
    schema: Type.Object({
      id: Type.Optional(Type.String()),
      identity_provider: Type.Optional(Type.String()),
      protocol: Type.Optional(Type.String()),
    }),
    async prove({ id, identity_provider, protocol }, { headers, refused }) {
      if (id !== undefined) {
        const parent = await tokens.validate(id);
        const authority = parent?.subject.authority;
        if (!parent || authority?.kind !== 'federation') throw refused();
        login.shown(parent);
        return { userId: parent.subject.user.id, methods: parent.methods, parent, authority };
      }
      if (identity_provider === undefined) throw expecting('identity_provider', 'mapped');
      if (protocol === undefined) throw expecting('protocol', 'mapped');
      const assertion = login.connections.get(identity_provider, protocol)?.fromHeaders?.(headers);
      if (!assertion) throw refused();
      return login.prove(identity_provider, protocol, assertion);
    },
  });

/** Names that are methods of their own, which no protocol takes over. */
const others = new Set(['password', 'token', 'totp', 'application_credential', 'oauth1', 'external']);

/** `mapped` and the usual protocols where they are configured, and a method by the name of every connection's protocol. */
export function mappedMethods(
  tokens: Tokens,
  login: FederatedLogin,
  configured: readonly string[],
): AuthMethod[] {
  const usual = ['mapped', 'saml2', 'openid'].filter((name) => configured.includes(name));
  const names = new Set([...usual, ...login.connections.protocolIds]);
  return [...names].filter((name) => !others.has(name)).map((name) => mappedMethod(name, tokens, login));
}
