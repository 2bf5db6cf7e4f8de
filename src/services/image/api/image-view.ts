import type { Image } from '../model/image.ts';
import { shownProperties } from '../model/reserved.ts';

/** A time as glance shows it: to the second. */
export const isoTime = (stored: string): string => `${stored.slice(0, 19)}Z`;

/** An image as the API shows it: without a wrapper, custom properties among the attributes. */
export function toImageView({ row, properties, tags, stores }: Image): Record<string, unknown> {
  return {
    ...shownProperties(properties),
    id: row.id,
    name: row.name,
    disk_format: row.disk_format,
    container_format: row.container_format,
    visibility: row.visibility,
    size: row.size,
    virtual_size: row.virtual_size,
    status: row.status,
    checksum: row.checksum,
    protected: row.protected,
    min_ram: row.min_ram,
    min_disk: row.min_disk,
    owner: row.owner,
    os_hidden: row.os_hidden,
    os_hash_algo: row.os_hash_algo,
    os_hash_value: row.os_hash_value,
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
    tags,
    ...(stores.length > 0 ? { stores: stores.join(',') } : {}),
    self: `/v2/images/${row.id}`,
    file: `/v2/images/${row.id}/file`,
    schema: '/v2/schemas/image',
  };
}
