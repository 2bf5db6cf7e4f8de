import type { InstanceMetadata } from '../../contract.ts';
import { ec2Tree } from './ec2-tree.ts';
import type { MetadataExtras } from './extras.ts';
import { openstackTree } from './openstack-tree.ts';
import { ec2Version, openstackVersion, openstackVersions } from './versions.ts';

/** Older ones are left out, as by upstream's default of `config_drive_skip_versions`. */
const ec2OnDrive = ['2009-04-04', 'latest'];

/**
 * The files of a config drive by path: both trees, whole.
 * Here EC2's is one JSON document a version, and there is no `password`, since nothing can be posted to a disk.
 * Source: nova/api/metadata/base.py `metadata_for_config_drive`.
 */
export function configDriveFiles(
  meta: InstanceMetadata,
  extras: MetadataExtras,
): Map<string, string | Uint8Array> {
  const files = new Map<string, string | Uint8Array>();
  for (const name of ec2OnDrive) {
    const version = ec2Version(name);
    if (!version) continue;
    const tree = ec2Tree(meta, version, extras);
    const userData = tree['user-data'];
    if (userData instanceof Uint8Array) files.set(`ec2/${name}/user-data`, userData);
    files.set(`ec2/${name}/meta-data.json`, JSON.stringify(tree['meta-data']));
  }
  for (const name of [...openstackVersions, 'latest']) {
    const version = openstackVersion(name);
    if (!version) continue;
    for (const [file, { body }] of openstackTree(meta, version, extras)) {
      if (file !== 'password') files.set(`openstack/${name}/${file}`, body);
    }
  }
  return files;
}
