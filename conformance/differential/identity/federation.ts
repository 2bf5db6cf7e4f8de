import type { Row } from '../row.ts';

const rules = [
  { local: [{ user: { name: '{0}' } }, { group: { id: 'none' } }], remote: [{ type: 'OIDC-email' }] },
];
const put = (path: string, body: Row['body'], also: Row['also'] = []): Row => ({
  ask: `PUT ${path}`,
  body,
  also,
});

/** Identity and service providers, mappings, and configuration of domains. */
export const federation: readonly Row[] = [
  put('/v3/OS-FEDERATION/identity_providers/{tag}-idp', {
    identity_provider: {
      description: 'an identity provider',
      enabled: true,
      remote_ids: ['http://{tag}/idp'],
      domain_id: '{domain}',
      authorization_ttl: 7,
    },
  }),
  {
    ask: 'PUT /v3/OS-FEDERATION/identity_providers/{tag}-twin',
    body: { identity_provider: { remote_ids: ['http://{tag}/idp'] } },
    only: true,
  },
  { ask: 'GET /v3/OS-FEDERATION/identity_providers' },
  { ask: 'GET /v3/OS-FEDERATION/identity_providers?id={tag}-idp', only: true },
  { ask: 'GET /v3/OS-FEDERATION/identity_providers?enabled=true', only: true },
  { ask: 'GET /v3/OS-FEDERATION/identity_providers/{tag}-idp' },
  { ask: 'GET /v3/OS-FEDERATION/identity_providers/nothing', only: true },
  { ask: 'HEAD /v3/OS-FEDERATION/identity_providers/{tag}-idp', only: true },
  {
    ask: 'PATCH /v3/OS-FEDERATION/identity_providers/{tag}-idp',
    body: { identity_provider: { enabled: false, remote_ids: ['a', 'b'] } },
  },
  {
    ask: 'PATCH /v3/OS-FEDERATION/identity_providers/{tag}-idp',
    body: { identity_provider: { domain_id: '{otherDomain}' } },
    only: true,
  },

  put('/v3/OS-FEDERATION/mappings/{tag}-map', { mapping: { rules } }),
  { ask: 'PUT /v3/OS-FEDERATION/mappings/{tag}-bad', body: { mapping: { rules: [] } }, only: true },
  {
    ask: 'PUT /v3/OS-FEDERATION/mappings/{tag}-bad',
    body: { mapping: { rules: [{ local: [], remote: [] }] } },
    only: true,
  },
  {
    ask: 'PUT /v3/OS-FEDERATION/mappings/{tag}-bad',
    body: {
      mapping: {
        rules: [
          { local: [{ user: { name: 'x' } }], remote: [{ type: 'a', any_one_of: ['x'], not_any_of: ['y'] }] },
        ],
      },
    },
    only: true,
  },
  { ask: 'GET /v3/OS-FEDERATION/mappings' },
  { ask: 'GET /v3/OS-FEDERATION/mappings/{tag}-map' },
  {
    ask: 'PATCH /v3/OS-FEDERATION/mappings/{tag}-map',
    body: { mapping: { rules: [{ ...rules[0], remote: [{ type: 'OIDC-sub' }] }] } },
  },

  put('/v3/OS-FEDERATION/identity_providers/{tag}-idp/protocols/mapped', {
    protocol: { mapping_id: '{tag}-map' },
  }),
  {
    ask: 'PUT /v3/OS-FEDERATION/identity_providers/nothing/protocols/mapped',
    body: { protocol: { mapping_id: '{tag}-map' } },
    only: true,
  },
  {
    ask: 'PUT /v3/OS-FEDERATION/identity_providers/{tag}-idp/protocols/saml2',
    body: { protocol: { mapping_id: 'nothing' } },
    only: true,
  },
  { ask: 'GET /v3/OS-FEDERATION/identity_providers/{tag}-idp/protocols' },
  { ask: 'GET /v3/OS-FEDERATION/identity_providers/{tag}-idp/protocols/mapped' },
  {
    ask: 'PATCH /v3/OS-FEDERATION/identity_providers/{tag}-idp/protocols/mapped',
    body: { protocol: { mapping_id: '{tag}-map' } },
  },
  {
    ask: 'GET /v3/OS-FEDERATION/identity_providers/{tag}-idp/protocols/mapped/auth',
    as: 'nobody',
    only: true,
  },
  { ask: 'GET /v3/OS-FEDERATION/identity_providers/nothing/protocols/mapped/auth', as: 'nobody', only: true },
  {
    ask: 'GET /v3/auth/OS-FEDERATION/websso/mapped?origin=http://nowhere.example/',
    as: 'nobody',
    only: true,
  },
  { ask: 'GET /v3/auth/OS-FEDERATION/websso/mapped', as: 'nobody', only: true },
  {
    ask: 'GET /v3/auth/OS-FEDERATION/identity_providers/{tag}-idp/protocols/mapped/websso?origin=http://nowhere.example/',
    as: 'nobody',
    only: true,
  },
  { ask: 'DELETE /v3/OS-FEDERATION/identity_providers/{tag}-idp/protocols/mapped' },
  { ask: 'DELETE /v3/OS-FEDERATION/mappings/{tag}-map' },
  { ask: 'DELETE /v3/OS-FEDERATION/identity_providers/{tag}-idp' },
  { ask: 'GET /v3/OS-FEDERATION/projects', as: 'member' },
  { ask: 'GET /v3/OS-FEDERATION/domains', as: 'member' },
  put('/v3/OS-FEDERATION/service_providers/{tag}-sp', {
    service_provider: {
      auth_url: 'http://sp.example/auth',
      sp_url: 'http://sp.example/sp',
      description: 'a peer',
      enabled: true,
      relay_state_prefix: 'ss:mem:',
    },
  }),
  { ask: 'GET /v3/OS-FEDERATION/service_providers' },
  { ask: 'GET /v3/OS-FEDERATION/service_providers/{tag}-sp' },
  { ask: 'HEAD /v3/OS-FEDERATION/service_providers/{tag}-sp', only: true },
  {
    ask: 'PATCH /v3/OS-FEDERATION/service_providers/{tag}-sp',
    body: { service_provider: { enabled: false } },
  },
  {
    ask: 'POST /v3/auth/OS-FEDERATION/saml2',
    as: 'nobody',
    body: {
      auth: {
        identity: { methods: ['token'], token: { id: 'none' } },
        scope: { service_provider: { id: '{tag}-sp' } },
      },
    },
  },
  {
    ask: 'POST /v3/auth/OS-FEDERATION/saml2/ecp',
    as: 'nobody',
    body: {
      auth: {
        identity: { methods: ['token'], token: { id: 'none' } },
        scope: { service_provider: { id: '{tag}-sp' } },
      },
    },
    only: true,
  },
  { ask: 'DELETE /v3/OS-FEDERATION/service_providers/{tag}-sp' },
  { ask: 'GET /v3/OS-FEDERATION/saml2/metadata', as: 'nobody', only: true },

  put('/v3/domains/{otherDomain}/config', {
    config: { ldap: { url: 'ldap://example.org', user_tree_dn: 'ou=Users' }, identity: { driver: 'ldap' } },
  }),
  { ask: 'PUT /v3/domains/{otherDomain}/config', body: { config: { colours: { red: 1 } } }, only: true },
  { ask: 'PUT /v3/domains/{otherDomain}/config', body: { config: { ldap: { colour: 'red' } } }, only: true },
  { ask: 'GET /v3/domains/{otherDomain}/config', also: ['domainAdmin'] },
  { ask: 'GET /v3/domains/{otherDomain}/config/ldap' },
  { ask: 'GET /v3/domains/{otherDomain}/config/ldap/url' },
  { ask: 'GET /v3/domains/{otherDomain}/config/colours', only: true },
  { ask: 'GET /v3/domains/{otherDomain}/config/ldap/colour', only: true },
  { ask: 'GET /v3/domains/{otherDomain}/config/ldap/password', only: true },
  { ask: 'GET /v3/domains/{otherDomain}/config/security_compliance', also: ['member'] },
  { ask: 'GET /v3/domains/{otherDomain}/config/security_compliance/password_regex', also: ['member'] },
  { ask: 'PATCH /v3/domains/{otherDomain}/config', body: { config: { ldap: { url: 'ldap://other.org' } } } },
  {
    ask: 'PATCH /v3/domains/{otherDomain}/config/ldap',
    body: { config: { ldap: { url: 'ldap://third.org' } } },
  },
  { ask: 'PATCH /v3/domains/{otherDomain}/config/ldap/url', body: { config: { url: 'ldap://fourth.org' } } },
  { ask: 'DELETE /v3/domains/{otherDomain}/config/ldap/url' },
  { ask: 'DELETE /v3/domains/{otherDomain}/config/ldap' },
  { ask: 'DELETE /v3/domains/{otherDomain}/config' },
  { ask: 'GET /v3/domains/config/default' },
  { ask: 'GET /v3/domains/config/identity/default' },
  { ask: 'GET /v3/domains/config/ldap/default', only: true },
  { ask: 'GET /v3/domains/config/ldap/url/default' },
  { ask: 'GET /v3/domains/config/colours/default', only: true },
];
