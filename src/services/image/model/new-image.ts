import { randomUUID } from 'node:crypto';
import { timestamp } from '../../../platform/store/table.ts';
import type { Image, ImageRow } from './image.ts';

/** A queued image: what was given of it, and what the rest is when nobody says. */
export function newImage(
  given: Partial<ImageRow> & Pick<ImageRow, 'id' | 'owner'>,
  properties: Record<string, string>,
  tags: readonly string[],
): Image {
  const now = timestamp();
  return {
    row: {
      name: null,
      visibility: 'shared',
      disk_format: null,
      container_format: null,
      size: null,
      virtual_size: null,
      min_disk: 0,
      min_ram: 0,
      protected: false,
      os_hidden: false,
      checksum: null,
      os_hash_algo: null,
      os_hash_value: null,
      upload_id: null,
      upload_host: null,
      deleted: false,
      revision: randomUUID(),
      created_at: now,
      updated_at: now,
      ...given,
      status: 'queued',
    },
    properties,
    tags: [...tags],
    stores: [],
    locations: [],
  };
}
