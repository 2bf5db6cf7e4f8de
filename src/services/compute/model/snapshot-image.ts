import type { ImageRecord, NewImage } from '../../image/contract.ts';

/** What an image has to know of the server that it is made of. */
interface Pictured {
  id: string;
  project_id: string;
  user_id: string;
  image_id: string | null;
  /** GiB */
  flavor: { disk: number };
}

/** Properties that hold for an image's own bytes, and not for those of a server made of it. Source: nova/compute/utils.py. */
const notInherited =
  /^(cache_in_nova|bittorrent|img_signature|img_signature_(hash_method|key_type|certificate_uuid)|cinder_encryption_key_(id|deletion_policy)|os_glance.*|backup_type)$/;

/** What an image of a server was made of in the first place: of a server made of a snapshot, the snapshot's own base. */
export const baseImageOf = (server: Pick<Pictured, 'image_id'>, image: ImageRecord | null): string | null =>
  image?.properties['base_image_ref'] ?? server.image_id;

/**
 * The image that a server's root disk is to fill: it has the properties of the server's own image.
 *
 * @param image what the server was made of, while that is there
 * @param properties have the last word, over the type too
 */
export function snapshotImage(
  server: Pictured,
  image: ImageRecord | null,
  {
    name,
    type,
    properties = {},
  }: { name: string; type: 'snapshot' | 'backup'; properties?: Record<string, string> },
): NewImage {
  const { id, project_id: projectId, user_id, flavor } = server;
  const base = baseImageOf(server, image);
  const inherited = Object.entries(image?.properties ?? {}).filter(([key]) => !notInherited.test(key));
  return {
    name,
    projectId,
    diskFormat: 'qcow2',
    containerFormat: 'bare',
    minDisk: flavor.disk,
    minRam: image?.minRam ?? 0,
    properties: {
      ...Object.fromEntries(inherited),
      image_type: type,
      instance_uuid: id,
      user_id,
      owner_id: projectId,
      image_location: 'snapshot',
      image_state: 'available',
      ...(base === null ? {} : { base_image_ref: base }),
      ...properties,
    },
  };
}
