import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';
import { type SamlKeys, samlKeys } from './saml/keys.ts';
import { startEcpProvider, testEntity } from './testing/saml-provider.ts';

const exec = promisify(execFile);
/** Debian's, for which its packages are. */
const python = '/usr/bin/python3';
const run = (script: string, ...args: string[]) => exec(python, ['-c', script, ...args], { timeout: 60_000 });
const hasKeystoneauth = await run('import keystoneauth1').then(
  () => true,
  () => false,
);
const hasSaml = await run('import keystoneauth1, lxml').then(
  () => true,
  () => false,
);
const hasOpenstack = await exec('openstack', ['--version']).then(
  () => true,
  () => false,
);

const keystoneToKeystone = `
import sys
from keystoneauth1 import session
from keystoneauth1.identity import v3
url, project_domain = sys.argv[1:3]
home = v3.Password(auth_url=url + '/v3', username='demo', password='demo-secret', user_domain_id='default',
                   project_name='demo', project_domain_id='default')
away = v3.Keystone2Keystone(home, 'away', project_name='demo', project_domain_id=project_domain)
access = away.get_access(session.Session(auth=away))
print(access.username, access.project_name, ','.join(access.role_names), access.is_federated)
`;

const carriedSaml = `
import sys
from keystoneauth1 import session
from keystoneauth1.extras._saml2 import V3Saml2Password
url, provider, password = sys.argv[1:4]
auth = V3Saml2Password(auth_url=url + '/v3', identity_provider='acme', protocol='saml2',
                       identity_provider_url=provider, username='ann', password=password)
access = auth.get_unscoped_auth_ref(session.Session())
print(access.username, access.is_federated)
`;

describe('unmodified clients', () => {
  let home: IdentityCloud;
  let away: IdentityCloud;
  let domainId: string;
  let directory: string;
  let keys: SamlKeys;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cumulet-clients-'));
    keys = await samlKeys({ stateDir: directory, keyfile: '', certfile: '' });
    home = await startIdentity();
    const { body: metadata } = await home.request('GET', '/v3/OS-FEDERATION/saml2/metadata');
    const certificate = /<ds:X509Certificate>([^<]+)</.exec(metadata)?.[1] ?? '';
    away = await startIdentity({
      federation: {
        'acme/saml2': { type: 'saml2', entity_id: testEntity, certificates: [keys.certificate] },
        'home/saml2': {
          type: 'saml2',
          entity_id: /entityID="([^"]+)"/.exec(metadata)?.[1] ?? '',
          certificates: [
            `-----BEGIN CERTIFICATE-----\n${certificate.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
          ],
          require_audience: false,
          allow_unsolicited: true,
        },
      },
    });
    const url = `${away.world.urls['identity']}/v3/OS-FEDERATION/identity_providers/home/protocols/saml2/auth`;
    const rules = [
      {
        local: [{ user: { name: '{0}' }, projects: [{ name: '{1}', roles: [{ name: 'member' }] }] }],
        remote: [{ type: 'openstack_user' }, { type: 'openstack_project' }],
      },
    ];
    for (const [cloud, path, body] of [
      [home, 'service_providers/away', { service_provider: { auth_url: url, sp_url: url, enabled: true } }],
      [away, 'identity_providers/home', { identity_provider: { enabled: true } }],
      [away, 'mappings/home', { mapping: { rules } }],
      [away, 'identity_providers/home/protocols/saml2', { protocol: { mapping_id: 'home' } }],
    ] as const) {
      const made = await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
      assert.equal(made.status, 201, JSON.stringify(made.body));
      domainId = made.body.identity_provider?.domain_id ?? domainId;
    }
  });
  after(async () => {
    await home[Symbol.asyncDispose]();
    await away[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it('go from one cloud to another by keystoneauth', {
    skip: !hasKeystoneauth && 'keystoneauth1 is not there',
  }, async () => {
    const { stdout } = await run(keystoneToKeystone, home.world.urls['identity'] ?? '', domainId);
    assert.match(stdout, /^demo demo (member,reader|reader,member) True$/m);
  });

  it('log in at a provider by keystoneauth, carrying its messages', {
    skip: !hasSaml && 'keystoneauth1 or lxml is not there',
  }, async () => {
    const rules = [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'REMOTE_USER' }] }];
    for (const [path, body] of [
      ['identity_providers/acme', { identity_provider: { enabled: true } }],
      ['mappings/acme', { mapping: { rules } }],
      ['identity_providers/acme/protocols/saml2', { protocol: { mapping_id: 'acme' } }],
    ] as const) {
      const made = await away.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: away.admin, body });
      assert.equal(made.status, 201, JSON.stringify(made.body));
    }
    const provider = await startEcpProvider(keys);
    const login = (password: string) =>
      run(carriedSaml, away.world.urls['identity'] ?? '', provider.url, password);
    try {
      assert.match((await login('secret')).stdout, /^ann True$/m);
      await assert.rejects(login('wrong'));
    } finally {
      await provider.close();
    }
  });

  it('administer federation by the openstack command', {
    skip: !hasOpenstack && 'openstack is not there',
  }, async () => {
    const url = `${away.world.urls['identity']}/v3`;
    const openstack = async (...words: string[]): Promise<unknown> => {
      const login = ['--os-auth-type', 'admin_token', '--os-endpoint', url, '--os-token', away.admin];
      const { stdout } = await exec('openstack', [...login, '--os-identity-api-version', '3', ...words], {
        timeout: 120_000,
      });
      return stdout.trim() === '' ? undefined : JSON.parse(stdout);
    };
    const json = ['-f', 'json'];
    const made = await openstack(
      'identity',
      'provider',
      'create',
      '--remote-id',
      'https://x',
      '--enable',
      'cli',
      ...json,
    );
    assert.partialDeepStrictEqual(made, { id: 'cli', enabled: true });
    await openstack(
      'federation',
      'protocol',
      'create',
      '--identity-provider',
      'cli',
      '--mapping',
      'home',
      'openid',
      ...json,
    );
    const listed = await openstack('federation', 'protocol', 'list', '--identity-provider', 'cli', ...json);
    assert.partialDeepStrictEqual(listed, [{ id: 'openid', mapping: 'home' }]);
    const providers = (await openstack('service', 'provider', 'list', ...json)) as unknown[];
    assert.deepEqual(providers, []);
    await openstack('identity', 'provider', 'delete', 'cli');
  });
});
