import {
  type Arbitrary,
  array,
  base64String,
  boolean,
  constantFrom,
  dictionary,
  ipV4,
  ipV6,
  nat,
  option,
  record,
  string,
  stringMatching,
  uuid,
} from 'fast-check';
import type { InstanceMetadata, InstancePort } from '../../../contract.ts';
import type { MetadataExtras } from '../extras.ts';

export const extras: MetadataExtras = { dhcpDomain: 'novalocal', randomSeed: 'c2VlZA==' };

/** A port with a fixed address, for tests that look at one thing of it. */
export const aPort = (fields: Partial<InstancePort> = {}): InstancePort => ({
  id: '5d3e9a1c-0000-4000-8000-000000000001',
  mac: 'fa:16:3e:00:00:01',
  mtu: 1450,
  networkId: 'aaaaaaaa-0000-4000-8000-000000000001',
  tag: null,
  fixedIps: [{ ip: '10.0.0.7', version: 4, subnetId: 'subnet-4', floatingIps: ['172.24.4.20'] }],
  subnets: [
    { id: 'subnet-4', cidr: '10.0.0.0/26', version: 4, gateway: '10.0.0.1', dns: ['9.9.9.9'], dhcp: false },
  ],
  ...fields,
});

export const anInstance = (fields: Partial<InstanceMetadata> = {}): InstanceMetadata => ({
  id: '7f3a1c52-0000-4000-8000-00000000000a',
  name: 'web 1',
  hostname: 'web-1',
  projectId: 'b'.repeat(32),
  userId: 'c'.repeat(32),
  availabilityZone: 'nova',
  ec2Id: 'i-0000000a',
  reservationId: 'r-abcdefgh',
  launchIndex: 0,
  createdAt: '2026-01-31T12:34:56.000000Z',
  imageId: '1b2c3d4e-0000-4000-8000-000000000001',
  flavorName: 'm1.small',
  metadata: { role: 'web' },
  keypair: { name: 'laptop', type: 'ssh', publicKey: 'ssh-ed25519 AAAA laptop' },
  userData: Buffer.from('#!/bin/sh\necho hello\n').toString('base64'),
  adminPassword: 'hunter2hunter2',
  securityGroups: ['default', 'web'],
  ports: [aPort()],
  ...fields,
});

const subnet: Arbitrary<InstancePort['subnets'][number]> = constantFrom(4 as const, 6 as const).chain(
  (version) =>
    record({
      id: uuid(),
      cidr:
        version === 4
          ? nat(32).map((length) => `10.0.0.0/${length}`)
          : nat(128).map((length) => `fd00::/${length}`),
      version: constantFrom(version),
      gateway: option(version === 4 ? ipV4() : ipV6()),
      dns: array(version === 4 ? ipV4() : ipV6(), { maxLength: 3 }),
      dhcp: boolean(),
    }),
);

const port: Arbitrary<InstancePort> = array(subnet, { maxLength: 3 }).chain((subnets) =>
  record({
    id: uuid(),
    mac: stringMatching(/^fa:16:3e(:[0-9a-f]{2}){3}$/),
    mtu: nat(9000),
    networkId: uuid(),
    tag: option(stringMatching(/^[a-z]{1,8}$/)),
    fixedIps: record({ floatingIps: array(ipV4(), { maxLength: 1 }) }).map(({ floatingIps }) =>
      subnets.map(({ id, version }) => ({
        ip: version === 4 ? '10.0.0.5' : 'fd00::5',
        version,
        subnetId: id,
        floatingIps,
      })),
    ),
    subnets: constantFrom(subnets),
  }),
);

/** Any server that compute could tell of. */
export const instances: Arbitrary<InstanceMetadata> = record({
  id: uuid(),
  name: string({ minLength: 1, maxLength: 255 }),
  hostname: stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
  projectId: stringMatching(/^[0-9a-f]{32}$/),
  userId: stringMatching(/^[0-9a-f]{32}$/),
  availabilityZone: stringMatching(/^[a-z]{1,10}$/),
  ec2Id: stringMatching(/^i-[0-9a-f]{8}$/),
  reservationId: stringMatching(/^r-[0-9a-z]{8}$/),
  launchIndex: nat(100),
  createdAt: constantFrom('2026-01-31T12:34:56.000000Z'),
  imageId: option(uuid()),
  flavorName: stringMatching(/^[a-z0-9.]{1,10}$/),
  metadata: dictionary(string({ minLength: 1 }), string(), { maxKeys: 4 }),
  keypair: option(
    record({
      name: stringMatching(/^[A-Za-z0-9 _.@-]{1,20}$/),
      type: constantFrom('ssh', 'x509'),
      publicKey: string({ minLength: 1 }),
    }),
  ),
  userData: option(base64String()),
  adminPassword: option(string({ minLength: 8 })),
  securityGroups: array(stringMatching(/^[a-z]{1,10}$/), { maxLength: 3 }),
  ports: array(port, { maxLength: 3 }),
});
