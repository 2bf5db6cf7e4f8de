import type { Row } from '../row.ts';

const user = { id: '{member}', password: '{password}' };
const byPassword = (who: object, scope?: object): object => ({
  auth: { identity: { methods: ['password'], password: { user: who } }, ...(scope ? { scope } : {}) },
});
const byToken = (id: string, scope?: object): object => ({
  auth: { identity: { methods: ['token'], token: { id } }, ...(scope ? { scope } : {}) },
});
const login = (body: object, keep?: Row['keep']): Row => ({
  ask: 'POST /v3/auth/tokens',
  as: 'nobody',
  body,
  only: true,
  ...(keep ? { keep } : {}),
});
const subject = { 'x-subject-token': '{aToken}' };

/** Logging in, looking at tokens, taking them back. */
export const tokens: readonly Row[] = [
  login(byPassword(user, { project: { id: '{project}' } }), { aToken: 'header:x-subject-token' }),
  login(byPassword(user, { project: { name: '{tag}-project', domain: { name: '{tag}-domain' } } })),
  login(byPassword({ name: '{tag}-member', password: '{password}', domain: { name: '{tag}-domain' } })),
  login(
    byPassword(
      { name: '{tag}-member', password: '{password}', domain: { id: '{domain}' } },
      { unscoped: {} },
    ),
  ),
  login(byPassword({ name: '{tag}-member', password: '{password}' })),
  login(byPassword({ id: '{domainAdmin}', password: '{password}' }, { domain: { id: '{domain}' } })),
  login(byPassword({ id: '{domainAdmin}', password: '{password}' }, { domain: { name: '{tag}-domain' } })),
  login(byPassword({ id: '{systemReader}', password: '{password}' }, { system: { all: true } })),
  login(byPassword({ id: '{systemReader}', password: '{password}' }, { system: { all: false } })),
  login(byPassword(user, { system: { all: true } })),
  login(byPassword(user, { project: { id: '{elsewhere}' } })),
  login(byPassword(user, { project: { id: 'nowhere' } })),
  login(byPassword(user, { project: { name: '{tag}-project' } })),
  login(byPassword(user, { domain: { id: '{domain}' } })),
  login(byPassword(user, { domain: { id: '{domain}' }, project: { id: '{project}' } })),
  login(byPassword(user, {})),
  login(byPassword({ id: '{member}', password: 'wrong' })),
  login(byPassword({ id: 'nobody', password: 'wrong' })),
  login(byPassword({ name: 'nobody', domain: { id: 'default' }, password: 'wrong' })),
  login(byPassword({ id: '{member}' })),
  login(byPassword({ password: 'x' })),
  login({ auth: { identity: { methods: [] } } }),
  login({ auth: { identity: { methods: ['guess'] } } }),
  login({ auth: { identity: { methods: ['password'] } } }),
  login({ auth: { identity: { methods: 'password', password: { user } } } }),
  login({ auth: {} }),
  login({}),
  login({ auth: { identity: { methods: ['totp'], totp: { user: { id: '{member}', passcode: '1' } } } } }),
  { ask: 'POST /v3/auth/tokens', as: 'nobody', text: '{', only: true },
  {
    ask: 'POST /v3/auth/tokens?nocatalog',
    as: 'nobody',
    body: byPassword(user, { project: { id: '{project}' } }),
    only: true,
  },
  login(byToken('{aToken}')),
  login(byToken('{aToken}', { project: { id: '{project}' } })),
  login(byToken('{aToken}', { unscoped: {} })),
  login(byToken('{aToken}', { project: { id: '{elsewhere}' } })),
  login(byToken('nonsense')),
  { ask: 'GET /v3/auth/tokens', headers: subject, also: ['member'] },
  { ask: 'GET /v3/auth/tokens', as: 'member', headers: subject, only: true },
  { ask: 'GET /v3/auth/tokens?nocatalog', headers: subject, only: true },
  { ask: 'GET /v3/auth/tokens?allow_expired=1', headers: subject, only: true },
  { ask: 'HEAD /v3/auth/tokens', headers: subject },
  { ask: 'GET /v3/auth/tokens', headers: { 'x-subject-token': 'nonsense' }, only: true },
  { ask: 'GET /v3/auth/tokens', only: true },
  { ask: 'GET /v3/auth/catalog', also: ['unscoped', 'system', 'domainAdmin'] },
  { ask: 'HEAD /v3/auth/catalog', only: true },
  { ask: 'GET /v3/auth/projects', as: 'member', also: ['unscoped'] },
  { ask: 'GET /v3/auth/domains', as: 'domainAdmin', also: ['member'] },
  { ask: 'GET /v3/auth/system', as: 'systemReader', also: ['member'] },
  { ask: 'HEAD /v3/auth/projects', as: 'member', only: true },
  { ask: 'DELETE /v3/auth/tokens', as: 'member', headers: subject },
  { ask: 'DELETE /v3/auth/tokens', headers: { 'x-subject-token': 'nonsense' }, only: true },
  { ask: 'DELETE /v3/auth/tokens', only: true },
  { ask: 'GET /v3/auth/tokens', headers: subject, only: true },
  { ask: 'GET /v3/auth/tokens/OS-PKI/revoked' },
  { ask: 'GET /v3/OS-REVOKE/events?since=2099-01-01T00:00:00Z' },
  { ask: 'GET /v3/OS-SIMPLE-CERT/ca', as: 'nobody', only: true },
  { ask: 'GET /v3/OS-SIMPLE-CERT/certificates', as: 'nobody', only: true },
  { ask: 'GET /v2.0', as: 'nobody', only: true },
];
