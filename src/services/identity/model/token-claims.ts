import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { AuditIds } from './audit-ids.ts';
import type { TokenPayload } from './token-payload.ts';

/** A signed token that says what no token of ours says. */
export class UnreadableTokenClaims extends Error {
  constructor() {
    super('The claims are not those of a token');
    this.name = 'UnreadableTokenClaims';
  }
}

const Id = Type.String({ minLength: 1, maxLength: 255 });
const Seconds = Type.Integer({ minimum: 0, maximum: 2 ** 40 });
/** The claims of keystone's `token/providers/jws/core.py`, by its names. */
const Claims = Type.Object({
  sub: Id,
  iat: Seconds,
  exp: Seconds,
  openstack_methods: Type.Array(Type.String(), { maxItems: 32 }),
  openstack_audit_ids: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }), {
    minItems: 1,
    maxItems: 2,
  }),
  openstack_system: Type.Optional(Type.String()),
  openstack_domain_id: Type.Optional(Id),
  openstack_project_id: Type.Optional(Id),
  openstack_trust_id: Type.Optional(Id),
  openstack_group_ids: Type.Optional(Type.Array(Type.Object({ id: Id }))),
  openstack_idp_id: Type.Optional(Id),
  openstack_protocol_id: Type.Optional(Id),
  openstack_access_token_id: Type.Optional(Id),
  openstack_app_cred_id: Type.Optional(Id),
});

/**
 * What a signed token says of itself. Times are whole seconds: give an end that is one.
 * @throws RangeError for what keystone's signed tokens have no claims for
 */
export function toClaims(payload: TokenPayload, issuedAt: number): Record<string, unknown> {
  if (payload.kind === 'oauth2-mtls') throw new RangeError('There is no signed token of this kind');
  const has = <K extends string>(name: K): unknown => (payload as Partial<Record<K, unknown>>)[name];
  const groups = has('groupIds') as readonly string[] | undefined;
  const claims = {
    sub: payload.userId,
    iat: issuedAt,
    exp: Math.floor(payload.expiresAt / 1e6),
    openstack_methods: payload.methods,
    openstack_audit_ids: payload.auditIds,
    openstack_system: has('system'),
    openstack_domain_id: has('domainId'),
    openstack_project_id: has('projectId'),
    openstack_trust_id: has('trustId'),
    openstack_group_ids: groups?.map((id) => ({ id })),
    openstack_idp_id: has('identityProviderId'),
    openstack_protocol_id: has('protocolId'),
    openstack_access_token_id: has('accessTokenId'),
    openstack_app_cred_id: has('applicationCredentialId'),
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/**
 * The other way: which kind of token it is follows from what it names.
 * @throws UnreadableTokenClaims
 */
export function fromClaims(claims: unknown): { payload: TokenPayload; issuedAt: number } {
  if (!Value.Check(Claims, claims)) throw new UnreadableTokenClaims();
  const {
    openstack_project_id: projectId,
    openstack_domain_id: domainId,
    openstack_system: system,
    openstack_trust_id: trustId,
    openstack_access_token_id: accessTokenId,
    openstack_app_cred_id: applicationCredentialId,
    openstack_group_ids: groups,
    openstack_idp_id: idp,
    openstack_protocol_id: protocol,
  } = claims;
  const common = {
    userId: claims.sub,
    methods: claims.openstack_methods,
    expiresAt: claims.exp * 1e6,
    auditIds: claims.openstack_audit_ids as unknown as AuditIds,
  };
  return { payload: payload(), issuedAt: claims.iat };

  function payload(): TokenPayload {
    if (groups || idp || protocol) {
      if (!groups || !idp || !protocol) throw new UnreadableTokenClaims();
      const federation = {
        groupIds: groups.map(({ id }) => id),
        identityProviderId: idp,
        protocolId: protocol,
      };
      if (projectId) return { kind: 'federated-project', ...common, ...federation, projectId };
      if (domainId) return { kind: 'federated-domain', ...common, ...federation, domainId };
      return { kind: 'federated-unscoped', ...common, ...federation };
    }
    if (projectId) {
      if (trustId) return { kind: 'trust', ...common, projectId, trustId };
      if (accessTokenId) return { kind: 'oauth1', ...common, projectId, accessTokenId };
      if (applicationCredentialId)
        return { kind: 'application-credential', ...common, projectId, applicationCredentialId };
    }
    if (trustId || accessTokenId || applicationCredentialId) throw new UnreadableTokenClaims();
    if (projectId) return { kind: 'project', ...common, projectId };
    if (domainId) return { kind: 'domain', ...common, domainId };
    if (system) return { kind: 'system', ...common, system };
    return { kind: 'unscoped', ...common };
  }
}
