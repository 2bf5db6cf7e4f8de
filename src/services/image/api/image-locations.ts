import { createHash, randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { BadRequest, Conflict, Forbidden } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { assertBeginning } from '../flows/look-at-location.ts';
import type { ImageRow } from '../model/image.ts';
import { importTask } from '../model/reserved.ts';
import type { LocationRow } from '../store/tables.ts';
import type { Seen } from './access.ts';
import { assertFree, newTask } from './begin-import.ts';
import type { ImageService } from './image-service.ts';
import { locationsOf } from './image-view.ts';
import type { Change } from './json-patch.ts';

const NewLocation = Type.Object({
  url: Type.String({ maxLength: 2048 }),
  validation_data: Type.Optional(
    Type.Object(
      {
        os_hash_algo: Type.Union(['sha1', 'sha256', 'sha512', 'md5'].map((name) => Type.Literal(name))),
        os_hash_value: Type.String({ maxLength: 128 }),
      },
      { additionalProperties: false },
    ),
  ),
});

/** The locations of images, for services; people may name what lies on the web, where there is a store for it. */
export function imageLocationRoutes(service: ImageService): Route[] {
  const { access, images, store, stores } = service;

  async function add(call: Call<{ url: string; validation_data?: Record<string, string> }>) {
    const { url: address, validation_data: said } = call.body;
    const taskId = randomUUID();
    await store.transaction(async () => {
      const seen = await access.see(call, call.params['id'] as string);
      const { row } = seen.image;
      if (row.status !== 'queued')
        throw new Conflict(`It's not allowed to add locations if image status is ${row.status}.`);
      access.enforce(call, 'add_image_location', seen);
      const found = findStore(call, address);
      const validation = said
        ? { algorithm: said['os_hash_algo'] ?? '', value: said['os_hash_value'] ?? '' }
        : null;
      if (validation) assertHash(validation);
      await assertFree(service, seen.image);
      if (!stores.get(found.store).readOnly && (await images.hasUrl(found.store, found.url)))
        throw new Conflict('Another image has its data at this location.');
      const asked = { image_id: row.id, loc_url: address, validation_data: said ?? {} };
      await service.tasks.insert(newTask(taskId, 'location_import', call.credentials, row.id, asked));
      await images.setReserved(row.id, { [importTask]: taskId });
      await service.startAddLocation({ taskId, imageId: row.id, ...found, validation });
    });
    return answer(202);
  }

  function findStore(call: Call, address: string): { store: string; url: string } {
    const { roles, serviceRoles } = call.credentials;
    const trusted = [...roles, ...serviceRoles].includes('service');
    for (const each of stores.all()) {
      const url = trusted || each.type === 'http' ? each.urlOf(address) : undefined;
      if (url !== undefined) return { store: each.name, url };
    }
    if (!trusted) throw new Forbidden('http store must be enabled to use location API by normal user.');
    throw new BadRequest('Invalid location');
  }

  return [
    route({
      method: 'POST',
      path: '/images/:id/locations',
      summary: 'Add a location to an image',
      body: NewLocation,
      handler: add,
    }),
    route({
      method: 'GET',
      path: '/images/:id/locations',
      summary: 'Show the locations of an image',
      handler: async (call) => {
        const seen = await access.see(call, call.params['id'] as string);
        access.enforce(call, 'fetch_image_location', seen);
        return locationsOf(stores, seen.image);
      },
    }),
  ];
}

function assertHash({ algorithm, value }: { algorithm: string; value: string }): void {
  if (!/^([0-9a-f]{2})*$/i.test(value))
    throw new BadRequest(`os_hash_value (${value}) is not a valid hexadecimal value`);
  const wanted = createHash(algorithm).digest().length;
  if (value.length / 2 !== wanted)
    throw new BadRequest(
      `os_hash_value: (${value}) is not the correct size for (${algorithm}) (should be (${wanted}) bytes)`,
    );
}

/**
 * Changes of locations by PATCH, in the old way: only where `show_multiple_locations` says so. What lies there is on
 * the web; of each store an image has one location at most.
 *
 * @returns within the transaction of the change, the locations whose data is to be removed once it is written
 */
export function locationChanges(service: ImageService) {
  const { access, images, stores } = service;

  async function add(seen: Seen, values: readonly unknown[]): Promise<void> {
    const { row } = seen.image;
    let filled: Partial<ImageRow> = {};
    for (const value of values) {
      const { url: address, metadata, validation_data: said } = value as GivenLocation;
      const store = stores.all().find((each) => each.type === 'http' && each.urlOf(address) !== undefined);
      const url = store?.urlOf(address);
      const size = store && url !== undefined ? await store.size(url).catch(() => null) : null;
      if (!store || url === undefined || size === null || size <= 0) throw new BadRequest('Invalid location');
      await assertBeginning(store, { url, size }, row, service.settings);
      const present = await images.allLocations(row.id);
      if (present.some((each) => each.store === store.name))
        throw new BadRequest(`The image has a location in store ${store.name} already.`);
      const { store: _store, ...location_metadata } = metadata;
      await images.addLocation({
        image_id: row.id,
        store: store.name,
        url,
        location_metadata,
        created_at: timestamp(),
      });
      filled = { ...filled, ...(row.size === null ? { size } : {}), ...newHashes(row, said) };
    }
    await images.swap(
      { id: row.id },
      { ...filled, ...(row.status === 'queued' ? { status: 'active' } : {}) },
    );
  }

  function assertState({ status }: ImageRow, verb: string, states: readonly string[]): void {
    if (!states.includes(status))
      throw new Conflict(`It's not allowed to ${verb} locations if image status is ${status}.`);
  }

  return async (call: Call, seen: Seen, changes: readonly Change[]): Promise<LocationRow[]> => {
    const { row } = seen.image;
    const abandoned: LocationRow[] = [];
    const abandon = async (location: LocationRow) => {
      await images.abandonLocation(location);
      abandoned.push({ ...location, status: 'pending_delete' });
    };
    for (const { op, position, value } of changes) {
      const present = stores.best(await images.locations(row.id));
      if (op === 'remove') {
        access.enforce(call, 'delete_image_location', seen);
        assertState(row, 'remove', ['active']);
        if (present.length === 1) throw new Forbidden('Cannot remove last location in the image.');
        const at = placeIn(position, present.length - 1);
        const location = at === undefined ? undefined : present[at];
        if (!location) throw new BadRequest('Invalid position for removing a location.');
        await abandon(location);
        continue;
      }
      if (op === 'replace' && (!Array.isArray(value) || value.length === 0))
        throw new Forbidden('Cannot set locations to empty list.');
      access.enforce(call, 'set_image_location', seen);
      assertState(row, op, ['active', 'queued']);
      if (op === 'add') {
        if (placeIn(position, present.length) === undefined)
          throw new BadRequest('Invalid position for adding a location.');
        await add(seen, [value]);
        continue;
      }
      const given = value as GivenLocation[];
      const kept = new Set(given.map(({ url }) => url));
      const gone = present.filter(({ store, url }) => !kept.has(stores.get(store).addressOf(url)));
      const there = new Set(present.map(({ store, url }) => stores.get(store).addressOf(url)));
      for (const location of gone) {
        access.enforce(call, 'delete_image_location', seen);
        await abandon(location);
      }
      await add(
        seen,
        given.filter(({ url }) => !there.has(url)),
      );
    }
    return abandoned;
  };
}

interface GivenLocation {
  url: string;
  metadata: Record<string, unknown>;
  validation_data?: { checksum?: string; os_hash_algo?: string; os_hash_value?: string };
}

/** A place in a list, `-` for its end. */
function placeIn(position: string | undefined, end: number): number | undefined {
  if (position === '-') return end;
  return position !== undefined && /^\d{1,6}$/.test(position) && Number(position) <= end
    ? Number(position)
    : undefined;
}

/** @throws Conflict in glance's words for hashes that an image cannot take */
function newHashes(row: ImageRow, said: GivenLocation['validation_data'] = {}): Partial<ImageRow> {
  const given = Object.entries(said).filter(([name, value]) => row[name as 'checksum'] !== value);
  if (given.length === 0) return {};
  const set = given.find(([name]) => row[name as 'checksum'] !== null);
  if (set) throw new Conflict(`${set[0]} is already set with a different value`);
  if (row.status !== 'queued')
    throw new Conflict(
      `New value(s) for ${given.map(([name]) => name).join(', ')} may only be provided when image status is 'queued'`,
    );
  const { checksum = null, os_hash_algo, os_hash_value = '' } = said;
  const hex = (name: string, value: string, bytes: number, of: string) => {
    if (!/^([0-9a-f]{2})*$/i.test(value))
      throw new Conflict(`${name} (${value}) is not a valid hexadecimal value`);
    if (value.length / 2 !== bytes)
      throw new Conflict(`${name} (${value}) is not the correct size for ${of} (should be ${bytes} bytes)`);
  };
  if (checksum !== null) hex('checksum', checksum, 16, 'md5');
  if (os_hash_algo !== 'sha512') throw new Conflict(`os_hash_algo must be sha512, not ${os_hash_algo}`);
  hex('os_hash_value', os_hash_value, 64, 'sha512');
  return { checksum, os_hash_algo, os_hash_value };
}
