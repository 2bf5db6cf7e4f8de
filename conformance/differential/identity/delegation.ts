import type { Row } from '../row.ts';

const inAWeek = '2099-01-01T00:00:00.000000Z';

/** What stands for a user: credentials, application credentials, trusts, OAuth. */
export const delegation: readonly Row[] = [
  {
    ask: 'POST /v3/credentials',
    body: {
      credential: {
        blob: '{"access":"{tag}","secret":"s"}',
        type: 'ec2',
        user_id: '{member}',
        project_id: '{project}',
      },
    },
    keep: { credential: 'credential.id' },
    also: ['reader'],
  },
  {
    ask: 'POST /v3/credentials',
    as: 'member',
    body: { credential: { blob: 'anything', type: 'cert', user_id: '{member}' } },
    keep: { ownCredential: 'credential.id' },
    only: true,
  },
  {
    ask: 'POST /v3/credentials',
    as: 'member',
    body: { credential: { blob: 'anything', type: 'cert', user_id: '{stranger}' } },
    only: true,
  },
  {
    ask: 'POST /v3/credentials',
    as: 'member',
    body: { credential: { blob: 'no json', type: 'ec2', user_id: '{member}', project_id: '{project}' } },
    only: true,
  },
  { ask: 'GET /v3/credentials' },
  { ask: 'GET /v3/credentials', as: 'member', only: true },
  { ask: 'GET /v3/credentials?user_id={member}&type=ec2' },
  { ask: 'GET /v3/credentials/{credential}', also: ['member'] },
  { ask: 'HEAD /v3/credentials/{credential}', only: true },
  {
    ask: 'PATCH /v3/credentials/{ownCredential}',
    as: 'member',
    body: { credential: { blob: 'other' } },
    also: ['reader'],
  },
  { ask: 'PATCH /v3/credentials/{credential}', body: { credential: { user_id: '{stranger}' } }, only: true },
  { ask: 'DELETE /v3/credentials/{ownCredential}', as: 'member', also: ['reader'] },
  { ask: 'DELETE /v3/credentials/{credential}' },

  {
    ask: 'POST /v3/users/{member}/credentials/OS-EC2',
    as: 'member',
    body: { tenant_id: '{project}' },
    keep: { ec2: 'credential.access' },
    also: ['admin', 'systemReader'],
  },
  {
    ask: 'POST /v3/users/{member}/credentials/OS-EC2',
    as: 'member',
    body: { tenant_id: '{elsewhere}' },
    only: true,
  },
  { ask: 'GET /v3/users/{member}/credentials/OS-EC2', as: 'member', also: ['admin'] },
  { ask: 'GET /v3/users/{member}/credentials/OS-EC2/{ec2}', as: 'member', also: ['admin'] },
  { ask: 'DELETE /v3/users/{member}/credentials/OS-EC2/{ec2}', as: 'member', also: ['systemReader'] },
  {
    ask: 'POST /v3/ec2tokens',
    as: 'nobody',
    body: { credentials: { access: 'none', signature: 'x', params: {}, host: 'h', verb: 'GET', path: '/' } },
  },
  {
    ask: 'POST /v3/s3tokens',
    as: 'nobody',
    body: { credentials: { access: 'none', signature: 'x', token: 'eA==' } },
  },

  {
    ask: 'POST /v3/users/{member}/application_credentials',
    as: 'member',
    body: {
      application_credential: {
        name: '{tag}-ac',
        description: 'for a script',
        secret: '{password}',
        expires_at: inAWeek,
        roles: [{ name: 'member' }],
        unrestricted: false,
        access_rules: [{ path: '/v2.1/servers', method: 'GET', service: 'compute' }],
      },
    },
    keep: {
      appCredential: 'application_credential.id',
      accessRule: 'application_credential.access_rules.0.id',
    },
    also: ['admin', 'reader', 'unscoped'],
  },
  {
    ask: 'POST /v3/users/{member}/application_credentials',
    as: 'member',
    body: { application_credential: { name: '{tag}-past', expires_at: '2001-01-01T00:00:00Z' } },
    only: true,
  },
  {
    ask: 'POST /v3/users/{member}/application_credentials',
    as: 'member',
    body: { application_credential: { name: '{tag}-admin', roles: [{ name: 'admin' }] } },
    only: true,
  },
  {
    ask: 'POST /v3/users/{member}/application_credentials',
    as: 'member',
    body: {
      application_credential: {
        name: '{tag}-rule',
        access_rules: [{ path: 'x', method: 'FETCH', service: 'compute' }],
      },
    },
    only: true,
  },
  { ask: 'GET /v3/users/{member}/application_credentials', as: 'member', also: ['admin'] },
  { ask: 'GET /v3/users/{member}/application_credentials?name={tag}-ac', as: 'member', only: true },
  { ask: 'GET /v3/users/{member}/application_credentials/{appCredential}', as: 'member', also: ['admin'] },
  { ask: 'HEAD /v3/users/{member}/application_credentials/{appCredential}', as: 'member', only: true },
  { ask: 'GET /v3/users/{member}/access_rules', as: 'member', also: ['admin'] },
  { ask: 'GET /v3/users/{member}/access_rules/{accessRule}', as: 'member', also: ['admin'] },
  {
    ask: 'POST /v3/auth/tokens',
    as: 'nobody',
    body: {
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: '{appCredential}', secret: '{password}' },
        },
      },
    },
    only: true,
  },
  {
    ask: 'POST /v3/auth/tokens',
    as: 'nobody',
    body: {
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: '{appCredential}', secret: 'wrong' },
        },
      },
    },
    only: true,
  },
  { ask: 'DELETE /v3/users/{member}/access_rules/{accessRule}', as: 'member', only: true },
  {
    ask: 'DELETE /v3/users/{member}/application_credentials/{appCredential}',
    as: 'member',
    also: ['reader', 'systemReader'],
  },
  { ask: 'DELETE /v3/users/{member}/access_rules/{accessRule}', as: 'member' },

  {
    ask: 'POST /v3/OS-TRUST/trusts',
    as: 'member',
    body: {
      trust: {
        trustor_user_id: '{member}',
        trustee_user_id: '{stranger}',
        project_id: '{project}',
        impersonation: false,
        allow_redelegation: false,
        expires_at: inAWeek,
        remaining_uses: 3,
        roles: [{ name: 'member' }],
      },
    },
    keep: { trust: 'trust.id' },
    also: ['admin', 'reader', 'unscoped'],
  },
  {
    ask: 'POST /v3/OS-TRUST/trusts',
    as: 'member',
    body: {
      trust: {
        trustor_user_id: '{member}',
        trustee_user_id: '{stranger}',
        project_id: '{project}',
        impersonation: false,
        roles: [{ name: 'admin' }],
      },
    },
    only: true,
  },
  {
    ask: 'POST /v3/OS-TRUST/trusts',
    as: 'member',
    body: {
      trust: {
        trustor_user_id: '{stranger}',
        trustee_user_id: '{member}',
        project_id: '{project}',
        impersonation: false,
        roles: [],
      },
    },
    only: true,
  },
  {
    ask: 'POST /v3/OS-TRUST/trusts',
    as: 'member',
    body: {
      trust: {
        trustor_user_id: '{member}',
        trustee_user_id: 'nobody',
        project_id: '{project}',
        impersonation: true,
        roles: [{ id: '{memberRole}' }],
      },
    },
    only: true,
  },
  { ask: 'GET /v3/OS-TRUST/trusts', also: ['member', 'system'] },
  { ask: 'GET /v3/OS-TRUST/trusts?trustor_user_id={member}', as: 'member' },
  { ask: 'GET /v3/OS-TRUST/trusts?trustee_user_id={stranger}', as: 'stranger', only: true },
  { ask: 'GET /v3/OS-TRUST/trusts/{trust}', as: 'member', also: ['admin'] },
  { ask: 'HEAD /v3/OS-TRUST/trusts/{trust}', as: 'member', only: true },
  { ask: 'GET /v3/OS-TRUST/trusts/{trust}/roles', as: 'member', also: ['admin'] },
  { ask: 'GET /v3/OS-TRUST/trusts/{trust}/roles/{memberRole}', as: 'member' },
  { ask: 'HEAD /v3/OS-TRUST/trusts/{trust}/roles/{memberRole}', as: 'member' },
  {
    ask: 'POST /v3/auth/tokens',
    as: 'nobody',
    body: {
      auth: {
        identity: { methods: ['password'], password: { user: { id: '{stranger}', password: '{password}' } } },
        scope: { 'OS-TRUST:trust': { id: '{trust}' } },
      },
    },
    only: true,
  },
  { ask: 'GET /v3/OS-TRUST/trusts/{trust}', as: 'member', only: true },
  {
    ask: 'POST /v3/auth/tokens',
    as: 'nobody',
    body: {
      auth: {
        identity: { methods: ['password'], password: { user: { id: '{reader}', password: '{password}' } } },
        scope: { 'OS-TRUST:trust': { id: '{trust}' } },
      },
    },
    only: true,
  },
  { ask: 'DELETE /v3/OS-TRUST/trusts/{trust}', as: 'member', also: ['reader', 'systemReader'] },

  {
    ask: 'POST /v3/OS-OAUTH1/consumers',
    body: { consumer: { description: 'an application' } },
    keep: { consumer: 'consumer.id', consumerSecret: 'consumer.secret' },
  },
  { ask: 'GET /v3/OS-OAUTH1/consumers' },
  { ask: 'GET /v3/OS-OAUTH1/consumers/{consumer}' },
  { ask: 'PATCH /v3/OS-OAUTH1/consumers/{consumer}', body: { consumer: { description: 'another' } } },
  { ask: 'PATCH /v3/OS-OAUTH1/consumers/{consumer}', body: { consumer: { secret: 'mine' } }, only: true },
  {
    ask: 'POST /v3/OS-OAUTH1/request_token',
    as: 'nobody',
    headers: { 'requested-project-id': '{project}' },
    only: true,
  },
  {
    ask: 'POST /v3/OS-OAUTH1/request_token',
    as: 'nobody',
    headers: {
      'requested-project-id': '{project}',
      authorization:
        'OAuth oauth_consumer_key="{consumer}", oauth_signature_method="PLAINTEXT", oauth_signature="{consumerSecret}%26", oauth_timestamp="1", oauth_nonce="1", oauth_callback="oob"',
    },
    only: true,
  },
  { ask: 'PUT /v3/OS-OAUTH1/authorize/nothing', as: 'member', body: { roles: [{ id: '{memberRole}' }] } },
  { ask: 'POST /v3/OS-OAUTH1/access_token', as: 'nobody', only: true },
  { ask: 'GET /v3/users/{member}/OS-OAUTH1/access_tokens', as: 'member' },
  { ask: 'GET /v3/users/{member}/OS-OAUTH1/access_tokens/nothing', as: 'member' },
  { ask: 'GET /v3/users/{member}/OS-OAUTH1/access_tokens/nothing/roles', as: 'member' },
  { ask: 'GET /v3/users/{member}/OS-OAUTH1/access_tokens/nothing/roles/{memberRole}', as: 'member' },
  { ask: 'DELETE /v3/users/{member}/OS-OAUTH1/access_tokens/nothing', as: 'member' },
  { ask: 'DELETE /v3/OS-OAUTH1/consumers/{consumer}' },
  { ask: 'POST /v3/OS-OAUTH2/token', as: 'nobody', only: true },
];
