import { flowMigrations, flowTables } from '../../../platform/flow/tables.ts';
import { defineSchema } from '../../../platform/store/schema.ts';
import {
  bigint,
  boolean,
  integer,
  json,
  type Row,
  table,
  text,
  time,
  uuid,
} from '../../../platform/store/table.ts';
import { imageCache } from './cache-tables.ts';
import { locationsByStore, moveLocations } from './locations-by-store.ts';
import { metadefMigration, metadefTables } from './metadef-tables.ts';
import { imageTasks } from './task-tables.ts';

/**
 * An image. A row outlives its image as `deleted`, so that an id is never used twice: servers, volumes and hosts'
 * caches know images by their ids.
 */
export const images = table(
  'images',
  {
    id: uuid(),
    name: text({ nullable: true, length: 255 }),
    status: text({ length: 32 }),
    visibility: text({ length: 16, values: ['public', 'private', 'shared', 'community'] }),
    owner: text({ nullable: true, length: 255 }),
    disk_format: text({ nullable: true, length: 32 }),
    container_format: text({ nullable: true, length: 32 }),
    size: bigint({ nullable: true }),
    virtual_size: bigint({ nullable: true }),
    min_disk: integer({ default: 0 }),
    min_ram: integer({ default: 0 }),
    protected: boolean({ default: false }),
    os_hidden: boolean({ default: false }),
    checksum: text({ nullable: true, length: 32 }),
    os_hash_algo: text({ nullable: true, length: 64 }),
    os_hash_value: text({ nullable: true, length: 128 }),
    /** The upload that fills the image now: only it may end the state `saving`. */
    upload_id: uuid({ nullable: true }),
    /** Where that upload runs, so that its host can clean up after a crash. */
    upload_host: text({ nullable: true, length: 255 }),
    deleted: boolean({ default: false }),
    /** Another one with each change of the image and of what belongs to it: what is remembered of it is known by it. */
    revision: text({ nullable: true, length: 36 }),
    created_at: time(),
    updated_at: time(),
  },
  {
    primaryKey: ['id'],
    indexes: [
      ['deleted', 'created_at', 'id'],
      ['owner', 'deleted', 'created_at'],
      ['visibility', 'deleted', 'created_at'],
      ['name'],
      ['upload_host'],
    ],
  },
);

/** Custom properties: `hw_disk_bus`, `os_distro` and whatever people write. */
export const imageProperties = table(
  'image_properties',
  { image_id: uuid(), name: text({ length: 255 }), value: text({ length: 65_535 }) },
  {
    primaryKey: ['image_id', 'name'],
    indexes: [['name', 'image_id']],
    references: [{ columns: ['image_id'], table: images }],
  },
);

export const imageTags = table(
  'image_tags',
  { image_id: uuid(), value: text({ length: 255 }) },
  {
    primaryKey: ['image_id', 'value'],
    indexes: [['value', 'image_id']],
    references: [{ columns: ['image_id'], table: images }],
  },
);

/** Projects that a `shared` image is shared with. */
export const imageMembers = table(
  'image_members',
  {
    image_id: uuid(),
    member: text({ length: 255 }),
    status: text({ length: 16, values: ['pending', 'accepted', 'rejected'] }),
    created_at: time(),
    updated_at: time(),
  },
  {
    primaryKey: ['image_id', 'member'],
    indexes: [['member', 'status', 'image_id']],
    references: [{ columns: ['image_id'], table: images }],
  },
);

/**
 * Where an image's bytes are. A row of a deleted image is data that has still to be removed. Of a store that takes
 * uploads an image has one location at most; there may be several addresses on the web.
 */
export const imageLocations = table(
  'locations',
  {
    id: uuid(),
    image_id: uuid(),
    /** The store's name, as `/v2/info/stores` lists it. */
    store: text({ length: 64 }),
    /** What the store knows them by, and nobody else. */
    url: text({ length: 2048 }),
    /** Its place among the image's locations: of stores with one weight the first is read. */
    position: integer(),
    /** `pending_delete`: nobody is shown it any more, and its data has still to go. */
    status: text({ length: 16, values: ['active', 'pending_delete'], default: 'active' }),
    /** What was said of it when it was added by hand. */
    location_metadata: json<Record<string, unknown>>({ nullable: true }),
    created_at: time(),
  },
  {
    primaryKey: ['id'],
    indexes: [['image_id', 'position']],
    references: [{ columns: ['image_id'], table: images }],
  },
);

export const imageSchema = defineSchema('image', {
  tables: {
    images,
    imageProperties,
    imageTags,
    imageMembers,
    imageLocations,
    ...metadefTables,
    imageTasks,
    imageCache,
    ...flowTables,
  },
  migrations: [
    {
      name: '0001-images',
      async up(m) {
        for (const each of [images, imageProperties, imageTags, imageMembers, locationsByStore])
          await m.createTable(each);
      },
    },
    metadefMigration,
    {
      name: '0011-import',
      async up(m) {
        for (const column of ['status', 'location_metadata'] as const)
          await m.addColumn(locationsByStore, column);
        for (const each of [imageTasks, imageCache]) await m.createTable(each);
      },
    },
    { name: '0012-revisions', up: (m) => m.addColumn(images, 'revision') },
    {
      name: '0013-ordered-locations',
      async up(m) {
        await m.createTable(imageLocations);
        await moveLocations(m);
      },
    },
    ...flowMigrations,
  ],
});

export type ImageTables = (typeof imageSchema)['tables'];
export type MemberRow = Row<typeof imageMembers>;
export type LocationRow = Row<typeof imageLocations>;
export type TaskRow = Row<typeof imageTasks>;
export type CacheRow = Row<typeof imageCache>;
