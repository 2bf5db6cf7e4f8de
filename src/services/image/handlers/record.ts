import type { ImageRecord } from '../contract.ts';
import type { Image } from '../model/image.ts';
import { nullProperties } from '../model/property.ts';
import { ownProperties } from '../model/reserved.ts';

/** An image as other services see it. */
export function toRecord({ row, properties }: Image): ImageRecord {
  const own = { ...ownProperties(properties) };
  // To other services a kernel that is said to be none is none.
  for (const name of Object.keys(nullProperties(properties))) delete own[name];
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    visibility: row.visibility,
    owner: row.owner,
    diskFormat: row.disk_format,
    containerFormat: row.container_format,
    minDisk: row.min_disk,
    minRam: row.min_ram,
    protected: row.protected,
    size: row.size,
    virtualSize: row.virtual_size,
    checksum: row.checksum,
    osHashAlgo: row.os_hash_algo,
    osHashValue: row.os_hash_value,
    properties: own,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
