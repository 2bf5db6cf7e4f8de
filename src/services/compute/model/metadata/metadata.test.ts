import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as holds, nat, property } from 'fast-check';
import type { InstanceMetadata } from '../../contract.ts';
import { configDriveFiles } from './config-drive-files.ts';
import { ec2Tree, readEc2 } from './ec2-tree.ts';
import { lookUp } from './lookup.ts';
import { netmask, networkData } from './network-data.ts';
import { openstackTree } from './openstack-tree.ts';
import { anInstance, aPort, extras, instances } from './testing/instance.ts';
import { ec2Versions, openstackVersions } from './versions.ts';

const read = (path: string, meta = anInstance()): string | undefined => {
  const found = lookUp(meta, path, extras, '10.9.9.9');
  return found && Buffer.from(found.body).toString();
};
const lines = (path: string, meta?: InstanceMetadata) => read(path, meta)?.split('\n');
const metaData = (version: string, meta?: InstanceMetadata) =>
  JSON.parse(read(`/openstack/${version}/meta_data.json`, meta) ?? 'null');

/** Follows every listing as a guest does, and fails at the first name that leads nowhere. @returns all files */
function crawl(meta: InstanceMetadata, path: string, everyNameIsDirectory: boolean): string[] {
  const listing = read(path, meta);
  assert(listing !== undefined, `${path} is listed but is not there`);
  return listing.split('\n').flatMap((line) => {
    const numbered = /^(\d+)=/.exec(line);
    if (numbered) return crawl(meta, `${path}${numbered[1]}/`, false);
    if (everyNameIsDirectory || line.endsWith('/'))
      return crawl(meta, `${path}${line.replace(/\/$/, '')}/`, false);
    const file = `${path}${line}`;
    assert.notEqual(read(file, meta), undefined, `${file} is listed but is not there`);
    return [file];
  });
}

test('every name that any server lists, in every version of both trees, can be fetched', () => {
  holds(
    property(instances, (meta) => {
      const files = [
        ...crawl(meta, '/openstack/', true),
        ...crawl(meta, '/ec2/', true),
        ...crawl(meta, '/', true),
      ];
      assert(files.length >= openstackVersions.length + 2 * ec2Versions.length * 8);
    }),
    { numRuns: 40 },
  );
});

test('a version never loses what the one before it had', () => {
  holds(
    property(instances, nat(openstackVersions.length - 2), nat(ec2Versions.length - 2), (meta, i, j) => {
      const names = (at: number) => [
        ...openstackTree(meta, openstackVersions[at] as (typeof openstackVersions)[number], extras).keys(),
      ];
      assert.deepEqual(
        names(i).filter((each) => !names(i + 1).includes(each)),
        [],
      );
      const keys = (at: number) =>
        Object.keys(
          ec2Tree(meta, ec2Versions[at] as (typeof ec2Versions)[number], extras)['meta-data'] as object,
        );
      assert.deepEqual(
        keys(j).filter((each) => !keys(j + 1).includes(each)),
        [],
      );
    }),
  );
});

test('the administrator’s password is nowhere in what the service can tell', () => {
  const files = crawl(anInstance(), '/openstack/', true);
  assert(files.length > 40);
  for (const file of files) assert(!read(file)?.includes('hunter2'), file);
});

test('the root lists EC2’s versions, and openstack its own', () => {
  assert.deepEqual(lines('/'), [...ec2Versions, 'latest']);
  assert.equal(read('/ec2'), read('/'));
  assert.deepEqual(lines('/openstack'), [...openstackVersions, 'latest']);
});

test('each version of openstack’s tree lists what that release brought', () => {
  assert.deepEqual(lines('/openstack/2012-08-10'), ['meta_data.json', 'user_data']);
  assert.deepEqual(lines('/openstack/2013-04-04'), ['meta_data.json', 'user_data', 'password']);
  assert.deepEqual(lines('/openstack/2013-10-17'), [
    'meta_data.json',
    'user_data',
    'password',
    'vendor_data.json',
  ]);
  assert.deepEqual(lines('/openstack/2015-10-15'), [
    'meta_data.json',
    'user_data',
    'password',
    'vendor_data.json',
    'network_data.json',
  ]);
  assert.deepEqual(lines('/openstack/latest', anInstance({ userData: null })), [
    'meta_data.json',
    'password',
    'vendor_data.json',
    'network_data.json',
    'vendor_data2.json',
  ]);
  assert.equal(read('/openstack/latest/user_data', anInstance({ userData: null })), undefined);
  assert.equal(read('/openstack/2012-08-10/vendor_data.json'), undefined);
});

test('meta_data.json has all of a server’s facts in the newest version, and fewer in older ones', () => {
  assert.deepEqual(metaData('latest'), {
    uuid: '7f3a1c52-0000-4000-8000-00000000000a',
    meta: { role: 'web' },
    public_keys: { laptop: 'ssh-ed25519 AAAA laptop' },
    keys: [{ name: 'laptop', type: 'ssh', data: 'ssh-ed25519 AAAA laptop' }],
    hostname: 'web-1.novalocal',
    name: 'web 1',
    launch_index: 0,
    availability_zone: 'nova',
    random_seed: 'c2VlZA==',
    project_id: 'b'.repeat(32),
    devices: [{ vf_trusted: false, type: 'nic', mac: 'fa:16:3e:00:00:01', bus: 'none', address: 'none' }],
    dedicated_cpus: [],
  });
  const bare = anInstance({ keypair: null, metadata: {} });
  assert.deepEqual(Object.keys(metaData('2012-08-10', bare)).toSorted(), [
    'availability_zone',
    'hostname',
    'launch_index',
    'name',
    'uuid',
  ]);
});

test('without a domain the hostname stands alone', () => {
  const file = lookUp(anInstance(), '/openstack/latest/meta_data.json', { ...extras, dhcpDomain: '' });
  assert.equal(JSON.parse(String(file?.body)).hostname, 'web-1');
});

test('devices with tags are shown since 2016-06-30, the others since each says whether it is trusted', () => {
  const meta = anInstance({
    ports: [
      aPort({ tag: 'db' }),
      aPort({ id: '6d3e9a1c-0000-4000-8000-000000000002', mac: 'fa:16:3e:00:00:02' }),
    ],
  });
  assert.equal(metaData('2015-10-15', meta).devices, undefined);
  assert.deepEqual(metaData('2016-06-30', meta).devices, [
    { type: 'nic', mac: 'fa:16:3e:00:00:01', bus: 'none', address: 'none', tags: ['db'] },
  ]);
  assert.deepEqual(
    metaData('2018-08-27', meta).devices.map(({ mac, tags }: { mac: string; tags?: string[] }) => [
      mac,
      tags,
    ]),
    [
      ['fa:16:3e:00:00:01', ['db']],
      ['fa:16:3e:00:00:02', undefined],
    ],
  );
});

test('network data tells addresses where there is no DHCP, and leaves them to DHCP where there is', () => {
  const meta = anInstance({
    ports: [
      aPort(),
      aPort({
        id: '9d3e9a1c-1111-4000-8000-000000000002',
        mac: 'fa:16:3e:00:00:02',
        fixedIps: [
          { ip: '192.168.1.5', version: 4, subnetId: 'a', floatingIps: [] },
          { ip: 'fd00::5', version: 6, subnetId: 'b', floatingIps: [] },
        ],
        subnets: [
          {
            id: 'a',
            cidr: '192.168.1.0/24',
            version: 4,
            gateway: '192.168.1.1',
            dns: ['9.9.9.9'],
            dhcp: true,
          },
          { id: 'b', cidr: 'fd00::/64', version: 6, gateway: null, dns: ['2620:fe::fe'], dhcp: false },
        ],
      }),
      aPort({ id: 'no-subnets', subnets: [], fixedIps: [] }),
    ],
  });
  const network_id = 'aaaaaaaa-0000-4000-8000-000000000001';
  assert.deepEqual(networkData(meta), {
    links: [
      {
        id: 'tap5d3e9a1c-00',
        vif_id: '5d3e9a1c-0000-4000-8000-000000000001',
        type: 'bridge',
        mtu: 1450,
        ethernet_mac_address: 'fa:16:3e:00:00:01',
      },
      {
        id: 'tap9d3e9a1c-11',
        vif_id: '9d3e9a1c-1111-4000-8000-000000000002',
        type: 'bridge',
        mtu: null,
        ethernet_mac_address: 'fa:16:3e:00:00:02',
      },
    ],
    networks: [
      {
        id: 'network0',
        link: 'tap5d3e9a1c-00',
        network_id,
        type: 'ipv4',
        ip_address: '10.0.0.7',
        netmask: '255.255.255.192',
        routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.0.1' }],
        services: [{ type: 'dns', address: '9.9.9.9' }],
      },
      { id: 'network1', link: 'tap9d3e9a1c-11', network_id, type: 'ipv4_dhcp' },
      {
        id: 'network2',
        link: 'tap9d3e9a1c-11',
        network_id,
        type: 'ipv6',
        ip_address: 'fd00::5',
        netmask: 'ffff:ffff:ffff:ffff::',
        routes: [],
        services: [{ type: 'dns', address: '2620:fe::fe' }],
      },
    ],
    services: [
      { type: 'dns', address: '9.9.9.9' },
      { type: 'dns', address: '2620:fe::fe' },
    ],
  });
  assert.deepEqual(networkData(anInstance({ ports: [] })), {});
});

test('netmasks have as many bits as the prefix says', () => {
  const masks = [
    ['0.0.0.0/0', '0.0.0.0'],
    ['10.0.0.0/9', '255.128.0.0'],
    ['10.0.0.1/32', '255.255.255.255'],
    ['::/0', '::'],
    ['fd00::/56', 'ffff:ffff:ffff:ff00::'],
    ['fd00::/100', 'ffff:ffff:ffff:ffff:ffff:ffff:f000:0'],
    ['fd00::1/128', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ] as const;
  for (const [cidr, expected] of masks) {
    assert.equal(netmask({ cidr, version: cidr.includes(':') ? 6 : 4 }), expected);
  }
});

test('EC2’s directories are listed in its odd forms', () => {
  assert.deepEqual(lines('/latest'), ['meta-data/', 'user-data']);
  assert.deepEqual(lines('/latest', anInstance({ userData: null })), ['meta-data/']);
  assert.deepEqual(lines('/2009-04-04/meta-data/'), [
    'ami-id',
    'ami-launch-index',
    'ami-manifest-path',
    'block-device-mapping/',
    'hostname',
    'instance-action',
    'instance-id',
    'instance-type',
    'local-hostname',
    'local-ipv4',
    'placement/',
    'public-hostname',
    'public-ipv4',
    'public-keys/',
    'reservation-id',
    'security-groups',
  ]);
  assert.equal(read('/latest/meta-data/public-keys/'), '0=laptop');
  assert.equal(read('/latest/meta-data/public-keys/0/'), 'openssh-key');
  assert.equal(read('/latest/meta-data/public-keys/0/openssh-key'), 'ssh-ed25519 AAAA laptop');
  assert.equal(lines('/latest/meta-data', anInstance({ keypair: null }))?.includes('public-keys/'), false);
  assert.equal(lines('/1.0/meta-data')?.includes('public-ipv4'), false);
});

test('EC2’s values are those of the server', () => {
  const values = {
    'ami-id': 'ami-1b2c3d4e',
    'ami-launch-index': '0',
    'instance-id': 'i-0000000a',
    'instance-type': 'm1.small',
    hostname: 'web-1.novalocal',
    'local-ipv4': '10.0.0.7',
    'public-ipv4': '172.24.4.20',
    'placement/availability-zone': 'nova',
    'block-device-mapping/root': '/dev/vda',
    'reservation-id': 'r-abcdefgh',
    'security-groups': 'default\nweb',
  };
  for (const [name, expected] of Object.entries(values))
    assert.equal(read(`/latest/meta-data/${name}`), expected);
  assert.equal(read('/latest/user-data'), '#!/bin/sh\necho hello\n');
  assert.equal(read('/latest/meta-data/local-ipv4', anInstance({ ports: [] })), '10.9.9.9');
  assert.equal(read('/latest/meta-data/ami-id', anInstance({ imageId: null })), 'ami-00000000');
});

test('a path is taken as it is meant: without a tree it is EC2’s, with slashes and dots too many it is the same', () => {
  assert.equal(read('/latest/meta-data/hostname/'), 'web-1.novalocal');
  assert.equal(read('//ec2//latest/./meta-data/hostname'), 'web-1.novalocal');
  assert.equal(read('/openstack/2012-08-10/../../../latest/meta-data/instance-id'), 'i-0000000a');
});

test('what is not there is not found, whatever it is called', () => {
  for (const path of [
    '/openstack/2011-01-01/meta_data.json',
    '/openstack/latest/nothing',
    '/openstack/latest/meta_data.json/deeper',
    '/openstack/content/0000',
    '/latest/nothing',
    '/latest/meta-data/hostname/deeper',
    '/latest/meta-data/security-groups/default',
    '/latest/meta-data/constructor',
    '/latest/meta-data/__proto__',
    '/latest/meta-data/public-keys/0/_name',
    '/2026-01-01/meta-data',
  ]) {
    assert.equal(read(path), undefined, path);
  }
  assert.equal(read('/latest/user-data', anInstance({ userData: null })), undefined);
});

test('user data keeps its bytes, text or not', () => {
  const bytes = Buffer.from([0x1f, 0x8b, 0xff, 0x00, 0xfe]);
  const meta = anInstance({ userData: bytes.toString('base64') });
  assert.deepEqual(lookUp(meta, '/openstack/latest/user_data', extras)?.body, bytes);
  assert.deepEqual(readEc2(ec2Tree(meta, '2009-04-04', extras), ['user-data']), bytes);
});

test('a key or a metadata item with a dangerous name is data like any other', () => {
  const meta = anInstance({
    keypair: { name: '__proto__', type: 'ssh', publicKey: 'ssh-rsa A' },
    metadata: JSON.parse('{"__proto__": "x"}'),
  });
  const text = read('/openstack/latest/meta_data.json', meta);
  assert.match(String(text), /"public_keys":\{"__proto__":"ssh-rsa A"\}/);
  assert.match(String(text), /"meta":\{"__proto__":"x"\}/);
});

test('a config drive has both trees, with the administrator’s password and without `password`', () => {
  const files = configDriveFiles(anInstance(), { ...extras, adminPassword: 'hunter2hunter2' });
  assert.deepEqual([...files.keys()].filter((each) => each.startsWith('ec2/')).toSorted(), [
    'ec2/2009-04-04/meta-data.json',
    'ec2/2009-04-04/user-data',
    'ec2/latest/meta-data.json',
    'ec2/latest/user-data',
  ]);
  assert.deepEqual(
    [...files.keys()].filter((each) => each.startsWith('openstack/latest/')),
    ['meta_data.json', 'user_data', 'vendor_data.json', 'network_data.json', 'vendor_data2.json'].map(
      (each) => `openstack/latest/${each}`,
    ),
  );
  assert.equal(JSON.parse(String(files.get('openstack/latest/meta_data.json'))).admin_pass, 'hunter2hunter2');
  assert.deepEqual(JSON.parse(String(files.get('ec2/latest/meta-data.json')))['public-keys'], {
    0: { _name: '0=laptop', 'openssh-key': 'ssh-ed25519 AAAA laptop' },
  });
});
