import type { Authority } from './authority.ts';
import type { Scope } from './scope.ts';
import type { TokenPayload } from './token-payload.ts';

/** What a token is good for, and on what it stands. */
export interface Grounds {
  scope?: Scope;
  authority?: Authority;
}

type Common = Pick<TokenPayload, 'userId' | 'methods' | 'expiresAt' | 'auditIds'>;

/** @throws RangeError where there is no kind of token for such grounds, as for a trust without a project */
export function toPayload(common: Common, { scope, authority }: Grounds): TokenPayload {
  if (!authority) return ownPayload(common, scope);
  if (authority.kind === 'federation') {
    const { kind: _, ...federation } = authority;
    if (!scope) return { kind: 'federated-unscoped', ...common, ...federation };
    if (scope.kind === 'project')
      return { kind: 'federated-project', ...common, ...federation, projectId: scope.projectId };
    if (scope.kind === 'domain')
      return { kind: 'federated-domain', ...common, ...federation, domainId: scope.domainId };
    throw new RangeError('A federated token is not for the system');
  }
  if (scope?.kind !== 'project') throw new RangeError('What is delegated is for a project');
  const { projectId } = scope;
  switch (authority.kind) {
    case 'trust':
      return { kind: 'trust', ...common, projectId, trustId: authority.trustId };
    case 'application-credential':
      return { ...common, projectId, ...authority };
    case 'oauth1':
      return { ...common, projectId, ...authority };
  }
}

function ownPayload(common: Common, scope: Scope | undefined): TokenPayload {
  switch (scope?.kind) {
    case undefined:
      return { kind: 'unscoped', ...common };
    case 'project':
      return { kind: 'project', ...common, projectId: scope.projectId };
    case 'domain':
      return { kind: 'domain', ...common, domainId: scope.domainId };
    case 'system':
      return { kind: 'system', ...common, system: 'all' };
  }
}

/** The other way; undefined for a kind of token that is not good for anything here (OAuth 2.0 over mutual TLS). */
export function groundsOf(payload: TokenPayload): Grounds | undefined {
  switch (payload.kind) {
    case 'unscoped':
      return {};
    case 'project':
      return { scope: projectScope(payload) };
    case 'domain':
      return { scope: domainScope(payload) };
    case 'system':
      return { scope: { kind: 'system' } };
    case 'trust':
      return { scope: projectScope(payload), authority: { kind: 'trust', trustId: payload.trustId } };
    case 'application-credential': {
      const { kind, applicationCredentialId } = payload;
      return { scope: projectScope(payload), authority: { kind, applicationCredentialId } };
    }
    case 'oauth1':
      return {
        scope: projectScope(payload),
        authority: { kind: 'oauth1', accessTokenId: payload.accessTokenId },
      };
    case 'federated-unscoped':
      return { authority: federation(payload) };
    case 'federated-project':
      return { scope: projectScope(payload), authority: federation(payload) };
    case 'federated-domain':
      return { scope: domainScope(payload), authority: federation(payload) };
    case 'oauth2-mtls':
      return undefined;
  }
}

const projectScope = ({ projectId }: { projectId: string }): Scope => ({ kind: 'project', projectId });
const domainScope = ({ domainId }: { domainId: string }): Scope => ({ kind: 'domain', domainId });
const federation = (of: Omit<Extract<Authority, { kind: 'federation' }>, 'kind'>): Authority => {
  const { groupIds, identityProviderId, protocolId } = of;
  return { kind: 'federation', groupIds, identityProviderId, protocolId };
};
