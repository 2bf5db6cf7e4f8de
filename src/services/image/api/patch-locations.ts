import { BadRequest, Conflict, Forbidden } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { ImageStore } from '../drivers/store.ts';
import { assertBeginning } from '../flows/look-at-location.ts';
import { assertTransition, type Image, type ImageRow } from '../model/image.ts';
import {
  assertDifferent,
  assertLocationLimit,
  type GivenLocation,
  hashesOf,
  metadataOf,
  type Place,
  placeIn,
  rearranged,
} from '../model/locations.ts';
import { mayFetch } from '../model/uri-filter.ts';
import type { Seen } from './access.ts';
import { assertFree } from './begin-import.ts';
import type { ImageService } from './image-service.ts';
import type { Change } from './json-patch.ts';

/** Says how many bytes lie at a place that an image is to have. @throws BadRequest where there are none */
export type Look = (store: ImageStore, url: string, row: ImageRow) => Promise<number>;

/**
 * Looks at places on the web, and recalls what was seen there: for changes that are gone through twice, once before
 * their transaction and once in it.
 */
export function looksAtLocations({ settings }: Pick<ImageService, 'settings'>): {
  look: Look;
  /** @throws Conflict for what was not looked at, because the image was another one then */
  recall: Look;
} {
  const sizes = new Map<string, number>();
  const keyOf = (store: ImageStore, url: string): string => JSON.stringify([store.name, url]);
  return {
    async look(store, url, row) {
      const size = await store.size(url).catch(() => null);
      if (size === null || size <= 0) throw new BadRequest('Invalid location');
      await assertBeginning(store, { url, size }, row, settings);
      sizes.set(keyOf(store, url), size);
      return size;
    },
    async recall(store, url) {
      const size = sizes.get(keyOf(store, url));
      if (size === undefined)
        throw new Conflict('The locations of the image have been changed by another request.');
      return size;
    },
  };
}

/** What becomes of an image's locations. */
interface Arranged {
  /** In their order; those without an id are new. */
  places: readonly Place[];
  /** The ids of those that go, with their data. */
  removed: readonly string[];
  /** What the image says of its bytes then. */
  row: Partial<ImageRow>;
}

/**
 * Changes of locations by PATCH: only where `show_multiple_locations` says so. What is added lies on the web.
 *
 * @returns what works out, one after another, what becomes of an image; `image` is what it is after the other changes
 *   of the patch, and `seen` what the caller may do to it
 */
export function locationChanges(service: ImageService) {
  const { access, settings, stores } = service;
  const addressOf = ({ store, url }: Place): string => stores.get(store).addressOf(url);

  /** The image after it was given more places, which `at` says where to put. */
  async function added(
    was: Arranged & { row: ImageRow },
    given: readonly GivenLocation[],
    at: number,
    look: Look,
  ): Promise<Arranged & { row: ImageRow }> {
    const { row } = was;
    const hashes = hashesOf(row, given);
    const fresh: Place[] = [];
    let { size } = row;
    assertLocationLimit(was.places.length + given.length, settings.image_location_quota);
    for (const each of given) {
      const found = webStore(each);
      const { url: address } = each;
      const url = found?.urlOf(address);
      // Asked before anything is sent there: who may name a location must not reach what the service reaches.
      if (!found || url === undefined || !mayFetch(address, settings))
        throw new BadRequest('Invalid location');
      const there = await look(found, url, row);
      size ??= there;
      if (there !== size)
        throw new BadRequest(`Invalid location: ${there} bytes are there, and the image has ${size}.`);
      fresh.push({ store: found.name, url, location_metadata: metadataOf(each) });
    }
    const places = was.places.toSpliced(at, 0, ...fresh);
    assertDifferent(places, addressOf);
    if (row.status !== 'queued') return { ...was, places, row: { ...row, size } };
    assertTransition(row, 'active');
    return { ...was, places, row: { ...row, ...hashes, size, status: 'active' } };
  }

  /** The store on the web that an address is to be of: the one that is named with it, or the first. */
  function webStore({ url, metadata }: GivenLocation): ImageStore | undefined {
    const able = stores.all().filter((each) => each.type === 'http' && each.urlOf(url) !== undefined);
    return able.find(({ name }) => name === metadata['store']) ?? able[0];
  }

  function removed(was: Arranged & { row: ImageRow }, position: string | undefined): typeof was {
    if (was.places.length === 1) throw new Forbidden('Cannot remove last location in the image.');
    const at = placeIn(position, was.places.length - 1);
    const place = at === undefined ? undefined : was.places[at];
    if (at === undefined || !place) throw new BadRequest('Invalid position for removing a location.');
    return {
      ...was,
      places: was.places.toSpliced(at, 1),
      removed: place.id === undefined ? was.removed : [...was.removed, place.id],
    };
  }

  return async (
    call: Call,
    seen: Seen,
    image: Image,
    changes: readonly Change[],
    look: Look,
  ): Promise<Arranged> => {
    let now: Arranged & { row: ImageRow } = {
      places: stores.best(image.locations),
      removed: [],
      row: image.row,
    };
    // Another location, or an import, is on its way.
    if (changes.length > 0 && image.row.status === 'queued') await assertFree(service, image);
    for (const { op, position, value } of changes) {
      if (op === 'remove') {
        access.enforce(call, 'delete_image_location', seen);
        assertState(now.row, op, ['active']);
        now = removed(now, position);
        continue;
      }
      if (op === 'replace' && (!Array.isArray(value) || value.length === 0))
        throw new Forbidden('Cannot set locations to empty list.');
      access.enforce(call, 'set_image_location', seen);
      assertState(now.row, op, ['active', 'queued']);
      if (op === 'replace' && now.places.length > 0) {
        hashesOf(now.row, value as GivenLocation[]);
        const places = rearranged(now.places, value as GivenLocation[], addressOf);
        assertDifferent(places, addressOf);
        now = { ...now, places };
        continue;
      }
      const at = op === 'replace' ? 0 : placeIn(position, now.places.length);
      if (at === undefined) throw new BadRequest('Invalid position for adding a location.');
      now = await added(now, (op === 'replace' ? value : [value]) as GivenLocation[], at, look);
    }
    const { status, size, checksum, os_hash_algo, os_hash_value } = now.row;
    return { ...now, row: { status, size, checksum, os_hash_algo, os_hash_value } };
  };
}

function assertState({ status }: ImageRow, verb: string, states: readonly string[]): void {
  if (!states.includes(status))
    throw new Conflict(`It's not allowed to ${verb} locations if image status is ${status}.`);
}
