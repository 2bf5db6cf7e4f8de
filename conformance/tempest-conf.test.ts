import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOpenrc } from './cloud.ts';
import { formatConf, tempestConf, withSettings } from './tempest-conf.ts';

test('an openrc is read, not run', () => {
  const access = parseOpenrc(
    `# admin\nexport OS_AUTH_URL=http://127.0.0.1:5000/v3/ OS_USERNAME=admin\nexport OS_PASSWORD='a b$(id)'\nOS_PROJECT_NAME="admin"\n`,
    'openrc',
  );
  assert.deepEqual(access, {
    authUrl: 'http://127.0.0.1:5000',
    username: 'admin',
    password: 'a b$(id)',
    project: 'admin',
    userDomain: 'Default',
    projectDomain: 'Default',
    region: 'RegionOne',
  });
  assert.throws(() => parseOpenrc('OS_AUTH_URL=x\n', 'openrc'), /openrc does not set OS_USERNAME/);
});

const input = {
  access: parseOpenrc(
    'OS_AUTH_URL=http://c:5000\nOS_USERNAME=u\nOS_PASSWORD=p$w\nOS_PROJECT_NAME=admin\n',
    'openrc',
  ),
  domainId: 'default',
  discovered: {
    services: new Set(['identity', 'compute', 'network', 'block-storage']),
    compute: { min: '2.1', max: '2.93' },
    placement: undefined,
    volume: { min: '3.0', max: '3.70' },
    networkExtensions: ['router', 'quotas'],
    diskFormats: ['raw', 'qcow2'],
    containerFormats: [],
    imageImport: false,
    imageCache: false,
    imageLocations: false,
    imageReserved: false,
    identity: {
      trusts: true,
      projectTags: true,
      applicationCredentials: false,
      accessRules: false,
      identityProvider: false,
      domainDrivers: false,
      enforcesScope: true,
      compliance: { failures: 2, lockout: 5, uniquePasswords: 3 },
    },
    enforcesScope: new Set(['identity', 'compute']),
    computeHosts: 1,
  },
  resources: { image: 'i1', imageAlt: 'i2', flavor: 'f1', flavorAlt: 'f2', publicNetwork: 'n1' },
  sshUser: 'cumulet',
  workspace: '/w',
};

test('the configuration says what the cloud has, and only that', () => {
  const conf = tempestConf({ ...input, real: false });
  assert.equal(conf['compute']?.['max_microversion'], '2.93');
  assert.equal(conf['placement']?.['max_microversion'], undefined);
  assert.deepEqual(conf['volume'], {
    catalog_type: 'block-storage',
    min_microversion: '3.0',
    max_microversion: '3.70',
  });
  assert.deepEqual(conf['service_available'], {
    nova: true,
    neutron: true,
    glance: false,
    cinder: true,
    swift: false,
    horizon: false,
  });
  assert.equal(conf['network-feature-enabled']?.['api_extensions'], 'router,quotas');
  assert.equal(conf['compute-feature-enabled']?.['live_migration'], false);
});

test('guests are logged in to only where they are real', () => {
  assert.equal(tempestConf({ ...input, real: false })['validation']?.['run_validation'], false);
  assert.equal(tempestConf({ ...input, real: true })['validation']?.['run_validation'], true);
});

test('single options can be set, and a dollar sign stays one', () => {
  const conf = withSettings(tempestConf({ ...input, real: false }), [
    'validation.ssh_timeout=60',
    'new-one.a=b=c',
  ]);
  const text = formatConf(conf);
  assert.match(text, /^\[validation\]$[^[]*^ssh_timeout = 60$/m);
  assert.match(text, /^\[new-one\]\na = b=c$/m);
  assert.match(text, /^admin_password = p\$\$w$/m);
  assert.throws(() => withSettings(conf, ['x=y']), /"x=y" is not section\.option=value/);
});
