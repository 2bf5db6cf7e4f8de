import type { ImageRecord } from '../contract.ts';
import type { Image } from '../model/image.ts';
import { ownProperties } from '../model/reserved.ts';

/** An image as other services see it. */
export function toRecord({ row, properties }: Image): ImageRecord {
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
    properties: { ...ownProperties(properties) },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
