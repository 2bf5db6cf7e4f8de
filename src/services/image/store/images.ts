import { randomUUID } from 'node:crypto';
import type { Condition } from '../../../platform/store/condition.ts';
import type { Sort } from '../../../platform/store/list.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Image, ImageRow } from '../model/image.ts';
import type { Place } from '../model/locations.ts';
import { importTask, stageHost } from '../model/reserved.ts';
import { type ImageParts, Remembered } from './remembered.ts';
import {
  type ImageTables,
  imageLocations,
  imageMembers,
  imageProperties,
  images,
  imageTags,
  type LocationRow,
} from './tables.ts';

export type ImageStoreDb = Store<ImageTables>;

export interface ImageQuery {
  where: readonly Condition<typeof images>[];
  sort: readonly Sort<typeof images>[];
  after?: ImageRow;
  limit: number;
}

export type ImageQueries = ReturnType<typeof imageQueries>;

/** A location that is to be written. */
type NewLocation = Pick<LocationRow, 'image_id' | 'store' | 'url' | 'created_at'> &
  Partial<Pick<LocationRow, 'location_metadata'>>;

const inOrder = [{ column: 'position', direction: 'asc' }] as const;

/** What the image service asks of its images' tables. */
export function imageQueries(store: ImageStoreDb) {
  const rows = repository(store, images);
  const properties = repository(store, imageProperties);
  const tags = repository(store, imageTags);
  const members = repository(store, imageMembers);
  const locations = repository(store, imageLocations);
  const byId = store.prepared((db, args: { id: string }) =>
    db.selectFrom('images').selectAll().where('id', '=', args.id),
  );

  const remembered = new Remembered();
  /** Called with every change of what belongs to an image, within its transaction. */
  const revise = (id: string) => rows.update({ id }, { revision: randomUUID() });

  /** Adds to rows what lies in other tables: three queries, however many rows, for what has changed since. */
  async function expand(found: readonly ImageRow[]): Promise<Image[]> {
    const known = new Map(found.map(({ id, revision }) => [id, remembered.get(revision)]));
    const unknown = found.filter(({ id }) => !known.get(id));
    if (unknown.length > 0) {
      const read = await readParts(unknown.map(({ id }) => id));
      for (const { id, revision } of unknown) {
        const parts = read.get(id) ?? { properties: {}, tags: [], locations: [] };
        remembered.set(revision, parts);
        known.set(id, parts);
      }
    }
    return found.map((row) => {
      const { properties: own, tags: words, locations: places } = known.get(row.id) as ImageParts;
      // Tempest compares with names in order.
      const stores = [...new Set(places.map(({ store: name }) => name))].toSorted();
      return { row, properties: own, tags: words, locations: places, stores };
    });
  }

  async function readParts(ids: readonly string[]): Promise<Map<string, ImageParts>> {
    const made = new Map(
      ids.map((id): [string, ImageParts] => [id, { properties: {}, tags: [], locations: [] }]),
    );
    const [allProperties, allTags, allLocations] = await Promise.all([
      properties.list({ where: { image_id: ids } }),
      tags.list({ where: { image_id: ids } }),
      locations.list({ where: { image_id: ids, status: 'active' }, sort: inOrder }),
    ]);
    for (const { image_id, name, value } of allProperties) {
      const parts = made.get(image_id);
      // Users choose the names; assigning `__proto__` would change the object's prototype instead.
      if (parts)
        Object.defineProperty(parts.properties, name, {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
    }
    for (const { image_id, value } of allTags) made.get(image_id)?.tags.push(value);
    for (const location of allLocations) made.get(location.image_id)?.locations.push(location);
    return made;
  }

  const writeProperties = async (id: string, values: Record<string, string>) =>
    properties.insert(Object.entries(values).map(([name, value]) => ({ image_id: id, name, value })));
  const writeTags = async (id: string, values: readonly string[]) =>
    tags.insert([...new Set(values)].map((value) => ({ image_id: id, value })));

  async function insertLocation(location: NewLocation, position: number): Promise<void> {
    const { image_id, store: name, url } = location;
    // What lay there and had still to go is this one's data now.
    await locations.delete({ image_id, store: name, url, status: 'pending_delete' });
    await locations.insert({ id: randomUUID(), ...location, position });
  }

  return {
    /** The row of an image that is not deleted. */
    async row(id: string): Promise<ImageRow | undefined> {
      const row = await byId.first({ id });
      return row && !row.deleted ? row : undefined;
    },
    async get(id: string): Promise<Image | undefined> {
      const row = await this.row(id);
      return row && (await expand([row]))[0];
    },
    async list({ where, sort, after, limit }: ImageQuery): Promise<Image[]> {
      const all: Condition<typeof images>[] = [{ column: 'deleted', op: 'eq', value: false }, ...where];
      return expand(await rows.list({ where: all, sort, limit, ...(after ? { after } : {}) }));
    },
    /** Writes a new image whole. @throws UniqueViolation when the id was ever used */
    insert(image: Image): Promise<void> {
      return store.transaction(async () => {
        await rows.insert(image.row);
        await writeProperties(image.row.id, image.properties);
        await writeTags(image.row.id, image.tags);
      });
    },
    /** Writes what a change of an image's description changed; inside the transaction that read it. */
    async save(before: Image, after: Image): Promise<void> {
      const { id } = after.row;
      await rows.update({ id }, { ...after.row, revision: randomUUID(), updated_at: timestamp() });
      if (JSON.stringify(before.properties) !== JSON.stringify(after.properties)) {
        await properties.delete({ image_id: id });
        await writeProperties(id, after.properties);
      }
      if (before.tags.join('\0') !== after.tags.join('\0')) {
        await tags.delete({ image_id: id });
        await writeTags(id, after.tags);
      }
    },
    /** Changes a row where it is still as it was thought to be. @returns whether it was */
    async swap(where: Partial<ImageRow> & { id: string }, changes: Partial<ImageRow>): Promise<boolean> {
      return (await rows.update({ deleted: false, ...where }, { ...changes, updated_at: timestamp() })) > 0;
    },
    /** Sets properties that are the service's own; `null` takes one away. */
    async setReserved(id: string, values: Record<string, string | null>): Promise<void> {
      for (const [name, value] of Object.entries(values)) {
        await properties.delete({ image_id: id, name });
        if (value !== null) await properties.insert({ image_id: id, name, value });
      }
      await revise(id);
    },
    /** Images that uploads on a host left half filled; those among them that were deleted meanwhile too. */
    uploadsOf: (host: string) => rows.list({ where: { upload_host: host } }),
    /** An upload of an image that was deleted has been cleaned up after. */
    forgetUpload: (id: string) => rows.update({ id, deleted: true }, { upload_host: null }),
    /** Makes an image invisible for good; its data is removed afterwards. @returns whether it was there */
    bury(id: string): Promise<boolean> {
      return store.transaction(async () => {
        const now = timestamp();
        // Its upload's host stays: that one cleans up after the upload, now or after a crash.
        const changes = { status: 'deleted', deleted: true, upload_id: null };
        const buried = await rows.update({ id, deleted: false }, { ...changes, updated_at: now });
        if (buried === 0) return false;
        await properties.delete({ image_id: id });
        await tags.delete({ image_id: id });
        await members.delete({ image_id: id });
        return true;
      });
    },
    /** In their order. */
    locations: (id: string) => locations.list({ where: { image_id: id, status: 'active' }, sort: inOrder }),
    /** Those too whose data has still to go. */
    allLocations: (id: string) => locations.list({ where: { image_id: id } }),
    hasUrl: async (name: string, url: string): Promise<boolean> =>
      (await locations.count({ store: name, url })) > 0,
    /** Shows a location to nobody any more; its data is removed afterwards. */
    abandonLocation: ({ id, image_id }: Pick<LocationRow, 'id' | 'image_id'>) =>
      store.transaction(async () => {
        await locations.update({ id }, { status: 'pending_delete' });
        await revise(image_id);
      }),
    /** Adds a location behind those that the image has. */
    addLocation: (location: NewLocation) =>
      store.transaction(async () => {
        const present = await locations.list({ where: { image_id: location.image_id } });
        await insertLocation(location, Math.max(-1, ...present.map(({ position }) => position)) + 1);
        await revise(location.image_id);
      }),
    /** Puts an image's locations in this order: changes those that have an id, and adds the others. */
    arrangeLocations: (imageId: string, places: readonly Place[]) =>
      store.transaction(async () => {
        for (const [position, { id, store: name, url, location_metadata }] of places.entries()) {
          const location = {
            image_id: imageId,
            store: name,
            url,
            location_metadata,
            created_at: timestamp(),
          };
          if (id === undefined) await insertLocation(location, position);
          else await locations.update({ id }, { position, location_metadata });
        }
        await revise(imageId);
      }),
    removeLocation: ({ id, image_id, status }: LocationRow) =>
      store.transaction(async () => {
        await locations.delete({ id, status });
        await revise(image_id);
      }),
    /** Data of deleted images, and data that images no longer have. */
    abandonedLocations: (): Promise<LocationRow[]> =>
      store.db
        .selectFrom('locations')
        .innerJoin('images', 'images.id', 'locations.image_id')
        .selectAll('locations')
        .where((or) =>
          or.or([or('images.deleted', '=', true), or('locations.status', '=', 'pending_delete')]),
        )
        .execute(),
    /** What the staging folder of a host has to keep: images that are to be imported or are being imported. */
    async staged(host: string): Promise<Set<string>> {
      const found = await store.db
        .selectFrom('images')
        .innerJoin('image_properties', 'image_properties.image_id', 'images.id')
        .select('images.id')
        .where('images.deleted', '=', false)
        .where((or) =>
          or.or([
            or.and([
              or('image_properties.name', '=', stageHost),
              or('image_properties.value', '=', host),
              or('images.status', '=', 'uploading'),
            ]),
            or('image_properties.name', '=', importTask),
          ]),
        )
        .execute();
      return new Set(found.map(({ id }) => id));
    },
    /** Images that are being filled: by uploads on other hosts, and by imports wherever they run. */
    async filled(host: string): Promise<Set<string>> {
      const found = await store.db
        .selectFrom('images')
        .leftJoin('image_properties', (join) =>
          join
            .onRef('image_properties.image_id', '=', 'images.id')
            .on('image_properties.name', '=', importTask),
        )
        .select('images.id')
        .where((or) =>
          or.or([or('images.upload_host', '!=', host), or('image_properties.name', '=', importTask)]),
        )
        .execute();
      return new Set(found.map(({ id }) => id));
    },
    /** The URLs of a store that images have. */
    async knownUrls(name: string): Promise<Set<string>> {
      const found = await store.db.selectFrom('locations').select('url').where('store', '=', name).execute();
      return new Set(found.map(({ url }) => url));
    },
  };
}
