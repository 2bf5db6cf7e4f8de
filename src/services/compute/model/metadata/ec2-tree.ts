import type { InstanceMetadata } from '../../contract.ts';
import { fullHostname, type MetadataExtras, userDataOf } from './extras.ts';
import type { Ec2Version } from './versions.ts';

/** A value, a list (one to a line), or a directory of them. */
export type Ec2Node = string | number | readonly string[] | Uint8Array | Ec2Directory;
export interface Ec2Directory {
  readonly [name: string]: Ec2Node;
}

/** Under this name a directory keeps the line by which it is listed, where that is not its own name with a slash. */
const listedAs = '_name';

/**
 * One version of the EC2 tree: `meta-data/…`, and `user-data` where there is some.
 * Source: nova/api/metadata/base.py `get_ec2_metadata`.
 *
 * @param address what the guest asks from: its local address where no port has one
 */
export function ec2Tree(
  meta: InstanceMetadata,
  version: Ec2Version,
  extras: MetadataExtras,
  address = '',
): Ec2Directory {
  const hostname = fullHostname(meta, extras);
  const ips = meta.ports.flatMap((port) => port.fixedIps);
  const userData = userDataOf(meta);
  return {
    'meta-data': {
      'ami-id': amiId(meta.imageId),
      'ami-launch-index': meta.launchIndex,
      'ami-manifest-path': 'FIXME',
      'instance-id': meta.ec2Id,
      hostname,
      'local-ipv4': ips.find((each) => each.version === 4)?.ip ?? address,
      'reservation-id': meta.reservationId,
      'security-groups': meta.securityGroups,
      ...(meta.keypair
        ? {
            'public-keys': {
              '0': { [listedAs]: `0=${meta.keypair.name}`, 'openssh-key': meta.keypair.publicKey },
            },
          }
        : {}),
      ...(version >= '2007-01-19'
        ? {
            'local-hostname': hostname,
            'public-hostname': hostname,
            'public-ipv4': ips.flatMap((each) => each.floatingIps)[0] ?? '',
          }
        : {}),
      ...(version >= '2007-08-29' ? { 'instance-type': meta.flavorName } : {}),
      ...(version >= '2007-12-15' ? { 'block-device-mapping': { ami: 'vda', root: '/dev/vda' } } : {}),
      ...(version >= '2008-02-01' ? { placement: { 'availability-zone': meta.availabilityZone } } : {}),
      ...(version >= '2008-09-01' ? { 'instance-action': 'none' } : {}),
    },
    ...(userData ? { 'user-data': userData } : {}),
  };
}

/** EC2's form of an image's id. Upstream counts images; the beginning of the UUID needs no counter. */
const amiId = (imageId: string | null): string =>
  `ami-${(imageId ?? '').replaceAll('-', '').slice(0, 8).padEnd(8, '0')}`;

/**
 * What stands at a path of the tree as a guest reads it: a directory is its listing, in which directories end in a
 * slash, save those of `public-keys/`, which are `0=name`. `undefined` where there is nothing.
 */
export function readEc2(tree: Ec2Directory, path: readonly string[]): string | Uint8Array | undefined {
  let node: Ec2Node = tree;
  for (const name of path) {
    if (!isDirectory(node) || name === listedAs || !Object.hasOwn(node, name)) return undefined;
    node = node[name] as Ec2Node;
  }
  if (isDirectory(node)) return listing(node);
  if (typeof node === 'string' || node instanceof Uint8Array) return node;
  return typeof node === 'number' ? String(node) : node.join('\n');
}

const isDirectory = (node: Ec2Node): node is Ec2Directory =>
  typeof node === 'object' && !Array.isArray(node) && !(node instanceof Uint8Array);

const listing = (directory: Ec2Directory): string =>
  Object.keys(directory)
    .filter((name) => name !== listedAs)
    .toSorted()
    .map((name) => {
      const node = directory[name] as Ec2Node;
      return isDirectory(node) ? String(node[listedAs] ?? `${name}/`) : name;
    })
    .join('\n');
