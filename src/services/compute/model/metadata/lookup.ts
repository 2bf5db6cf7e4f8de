import type { InstanceMetadata } from '../../contract.ts';
import { ec2Tree, readEc2 } from './ec2-tree.ts';
import type { MetadataExtras } from './extras.ts';
import { type MetadataFile, openstackTree } from './openstack-tree.ts';
import { ec2Version, ec2Versions, openstackVersion, openstackVersions } from './versions.ts';

/** The listing of `/`, which is the same for every guest. */
export const rootListing = [...ec2Versions, 'latest'].join('\n');

/**
 * What a guest finds at a path of the metadata service: a file, or a directory's listing; `undefined` for nothing.
 * A path that begins with neither `openstack` nor `ec2` is one of EC2's. Source: nova/api/metadata/base.py `lookup`.
 *
 * @param path decoded; empty segments, `.` and `..` are resolved
 * @param address see `ec2Tree`
 */
export function lookUp(
  meta: InstanceMetadata,
  path: string,
  extras: MetadataExtras,
  address?: string,
): MetadataFile | undefined {
  const segments = resolved(path);
  const [tree, ...rest] = segments;
  if (tree === 'openstack') return openstackItem(meta, rest, extras);
  return ec2Item(meta, tree === 'ec2' ? rest : segments, extras, address);
}

function openstackItem(
  meta: InstanceMetadata,
  [versionName, ...rest]: readonly string[],
  extras: MetadataExtras,
): MetadataFile | undefined {
  if (versionName === undefined) return text([...openstackVersions, 'latest'].join('\n'));
  const version = openstackVersion(versionName);
  if (!version) return undefined;
  const files = openstackTree(meta, version, extras);
  return rest.length === 0 ? text([...files.keys()].join('\n')) : files.get(rest.join('/'));
}

function ec2Item(
  meta: InstanceMetadata,
  [versionName, ...rest]: readonly string[],
  extras: MetadataExtras,
  address: string | undefined,
): MetadataFile | undefined {
  if (versionName === undefined) return text(rootListing);
  const version = ec2Version(versionName);
  if (!version) return undefined;
  const body = readEc2(ec2Tree(meta, version, extras, address), rest);
  return body === undefined ? undefined : text(body);
}

const text = (body: string | Uint8Array): MetadataFile => ({ body, type: 'text/plain' });

function resolved(path: string): string[] {
  const segments: string[] = [];
  for (const each of path.split('/')) {
    if (each === '..') segments.pop();
    else if (each !== '' && each !== '.') segments.push(each);
  }
  return segments;
}
