import type { InstanceMetadata } from '../../contract.ts';
import { fullHostname, type MetadataExtras, userDataOf } from './extras.ts';
import { networkData } from './network-data.ts';
import type { OpenstackVersion } from './versions.ts';

/** A file that a guest may read. */
export interface MetadataFile {
  body: string | Uint8Array;
  type: 'text/plain' | 'application/json';
}

/**
 * The files of one version of the `openstack/` tree by name, in the order in which the directory lists them.
 * Source: nova/api/metadata/base.py `_handle_version`, `_metadata_as_json`.
 */
export function openstackTree(
  meta: InstanceMetadata,
  version: OpenstackVersion,
  extras: MetadataExtras,
): Map<string, MetadataFile> {
  const vendorData = extras.vendorData ?? {};
  const userData = userDataOf(meta);
  const files = new Map<string, MetadataFile>([['meta_data.json', json(metaData(meta, version, extras))]]);
  if (userData) files.set('user_data', { body: userData, type: 'text/plain' });
  // What a guest has posted; there is nothing that takes it, so it stays empty.
  if (version >= '2013-04-04') files.set('password', { body: '', type: 'text/plain' });
  if (version >= '2013-10-17') files.set('vendor_data.json', json(vendorData));
  // Upstream says `text/plain` of this one.
  if (version >= '2015-10-15') {
    files.set('network_data.json', { ...json(networkData(meta)), type: 'text/plain' });
  }
  if (version >= '2016-10-06') files.set('vendor_data2.json', json({ static: vendorData }));
  return files;
}

const json = (value: object): MetadataFile => ({ body: JSON.stringify(value), type: 'application/json' });

function metaData(meta: InstanceMetadata, version: OpenstackVersion, extras: MetadataExtras): object {
  const { keypair } = meta;
  return {
    uuid: meta.id,
    ...(Object.keys(meta.metadata).length > 0 ? { meta: meta.metadata } : {}),
    ...(extras.adminPassword === undefined ? {} : { admin_pass: extras.adminPassword }),
    ...(keypair
      ? {
          // A computed `__proto__` is an own member like any other.
          public_keys: { [keypair.name]: keypair.publicKey },
          keys: [{ name: keypair.name, type: keypair.type, data: keypair.publicKey }],
        }
      : {}),
    hostname: fullHostname(meta, extras),
    name: meta.name,
    launch_index: meta.launchIndex,
    availability_zone: meta.availabilityZone,
    ...(version >= '2013-04-04' ? { random_seed: extras.randomSeed } : {}),
    ...(version >= '2015-10-15' ? { project_id: meta.projectId } : {}),
    ...(version >= '2016-06-30' ? { devices: devices(meta, version) } : {}),
    ...(version >= '2020-10-14' ? { dedicated_cpus: [] } : {}),
  };
}

/** Ports with a tag; since 2018-08-27 all of them, because each then says whether its device is trusted. */
function devices(meta: InstanceMetadata, version: OpenstackVersion): object[] {
  const saysTrusted = version >= '2018-08-27';
  return meta.ports
    .filter(({ tag }) => saysTrusted || tag !== null)
    .map(({ mac, tag }) => ({
      ...(saysTrusted ? { vf_trusted: false } : {}),
      type: 'nic',
      mac,
      // Where on its buses a device stands is between the hypervisor and the guest; upstream's word for unknown.
      bus: 'none',
      address: 'none',
      ...(tag === null ? {} : { tags: [tag] }),
    }));
}
