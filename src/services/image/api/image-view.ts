import type { Stores } from '../drivers/stores.ts';
import type { Image } from '../model/image.ts';
import { nullProperties } from '../model/property.ts';
import { shownProperties } from '../model/reserved.ts';
import type { Asker } from './access.ts';
import type { ImageService } from './image-service.ts';

/** A time as glance shows it: to the second. */
export const isoTime = (stored: string): string => `${stored.slice(0, 19)}Z`;

/** Adds to images where they are, for those who may know and where the settings say so. */
export function imageViews({
  access,
  settings,
  stores,
}: Pick<ImageService, 'access' | 'settings' | 'stores'>) {
  const { show_image_direct_url: direct, show_multiple_locations: several } = settings;
  if (!direct && !several) return toImageView;
  return (image: Image, by: Asker): Record<string, unknown> => {
    const locations = access.may(by, 'get_image_location', image) ? locationsOf(stores, image) : [];
    return {
      ...toImageView(image),
      ...(direct && locations[0] ? { direct_url: locations[0].url } : {}),
      ...(several ? { locations } : {}),
    };
  };
}

/** An image's locations as the API shows them: the best store's first, and those of one weight in their order. */
export const locationsOf = (stores: Stores, { locations }: Image) =>
  stores.best(locations).map(({ store, url, location_metadata }) => ({
    url: stores.get(store).addressOf(url),
    metadata: { ...location_metadata, store },
  }));

/** An image as the API shows it: without a wrapper, custom properties among the attributes. */
export function toImageView({ row, properties, tags, stores }: Image): Record<string, unknown> {
  return {
    ...shownProperties(properties),
    ...nullProperties(properties),
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
