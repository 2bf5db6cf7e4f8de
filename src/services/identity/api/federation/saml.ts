import { randomUUID } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Forbidden, NotFound } from '../../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import { repository } from '../../../../platform/store/repository.ts';
import type { Identity } from '../../identity.ts';
import { type ServiceProviderRow, serviceProviders } from '../../store/tables/federation.ts';
import { invalid } from '../../tokens/tokens.ts';

/** Loaded when it is first asked for: XML signatures take memory that a cloud without federation keeps. */
const issuer = () => import('../../federation/saml/issuer.ts');

const ById = Type.Object({ id: Type.String() }, { additionalProperties: false });
const Asked = Type.Object({
  auth: Type.Object(
    {
      identity: Type.Object(
        { token: ById, methods: Type.Optional(Type.Array(Type.Unknown())) },
        { additionalProperties: false },
      ),
      scope: Type.Object({ service_provider: ById }, { additionalProperties: false }),
    },
    { additionalProperties: false },
  ),
});

/** This cloud as an identity provider of others: assertions for tokens. Upstream: keystone/api/_shared/saml.py. */
export function samlRoutes(identity: Identity): Route[] {
  const { federation, tokens, store, directory, settings } = identity;
  const metadataPath = '/v3/OS-FEDERATION/saml2/metadata';
  const entityId = () => settings.saml_entity_id || `${federation.url()}${metadataPath}`;

  async function vouch(
    call: Call<Static<typeof Asked>>,
  ): Promise<{ response: string; provider: ServiceProviderRow }> {
    const { auth } = call.body;
    const { id } = auth.scope.service_provider;
    const provider = await repository(store, serviceProviders).find({ id });
    if (!provider) throw new NotFound(`Could not find Service Provider: ${id}.`);
    if (!provider.enabled) throw new Forbidden(`Service Provider ${id} is disabled`);
    const token = await tokens.validate(auth.identity.token.id);
    if (!token) throw new NotFound(invalid);
    const { user, userDomain, project, projectDomain, roles } = token.subject;
    if (!project || !projectDomain) {
      throw new Forbidden(
        'You are not authorized to perform the requested action: Use a project scoped token when attempting to create a SAML assertion.',
      );
    }
    const { samlResponse } = await issuer();
    const response = samlResponse(
      {
        issuer: entityId(),
        recipient: provider.sp_url,
        user: user.name,
        userDomain: userDomain.name,
        project: project.name,
        projectDomain: projectDomain.name,
        roles: roles.map((role) => role.name),
        groups: await groupsOf(user.id),
        lifetime: settings.assertion_expiration_time,
      },
      await federation.keys(),
    );
    return { response, provider };
  }

  async function groupsOf(userId: string): Promise<string[]> {
    const { groupIds } = await directory.grantsOf(userId);
    if (groupIds.length === 0) return [];
    const rows = await store.db
      .selectFrom('groups')
      .innerJoin('projects', 'projects.id', 'groups.domain_id')
      .select(['groups.name', 'projects.name as domain_name'])
      .where('groups.id', 'in', groupIds)
      .orderBy('groups.name')
      .execute();
    return rows.map((row) => `JSON:${JSON.stringify({ name: row.name, domain: { name: row.domain_name } })}`);
  }

  const answered = (body: string, { sp_url, auth_url }: ServiceProviderRow): Answer =>
    new Answer(200, body, { 'content-type': 'text/xml', 'x-sp-url': sp_url, 'x-auth-url': auth_url });

  return [
    route({
      method: 'GET',
      path: metadataPath,
      summary: 'Show what this cloud is as a SAML identity provider',
      public: true,
      async handler() {
        const { certificate } = await federation.keys();
        const endpoint = settings.saml_sso_endpoint || `${federation.url()}/v3/auth/OS-FEDERATION/saml2`;
        const { idpMetadata } = await issuer();
        const body = idpMetadata({ entityId: entityId(), endpoint, certificate });
        return new Answer(200, body, { 'content-type': 'text/xml' });
      },
    }),
    route({
      method: 'POST',
      path: '/v3/auth/OS-FEDERATION/saml2',
      summary: 'Exchange a token for a SAML assertion',
      public: true,
      body: Asked,
      async handler(call) {
        const { response, provider } = await vouch(call);
        return answered(response, provider);
      },
    }),
    route({
      method: 'POST',
      path: '/v3/auth/OS-FEDERATION/saml2/ecp',
      summary: 'Exchange a token for a SAML assertion that a client carries',
      public: true,
      body: Asked,
      async handler(call) {
        const { response, provider } = await vouch(call);
        const { ecpEnvelope } = await issuer();
        return answered(
          ecpEnvelope(response, provider.relay_state_prefix + randomUUID().replaceAll('-', '')),
          provider,
        );
      },
    }),
  ];
}
