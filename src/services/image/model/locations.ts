import { BadRequest, Conflict, PayloadTooLarge } from '../../../platform/errors/errors.ts';
import type { ImageLocation, ImageRow } from './image.ts';

/** A location as a client gives it. */
export interface GivenLocation {
  url: string;
  metadata: Record<string, unknown>;
  validation_data?: ValidationData;
}

interface ValidationData {
  checksum?: string;
  os_hash_algo?: string;
  os_hash_value?: string;
}

/** A location of an image, before it is written too: it has no id then. */
export type Place = Omit<ImageLocation, 'id'> & { id?: string };

/** What is kept of one location's metadata: bytes, and how deep lists and objects may lie in each other. */
const longestMetadata = 65_535;
const deepestMetadata = 16;

/** @throws BadRequest for more than anybody says of a location */
export function metadataOf({ metadata }: GivenLocation): Record<string, unknown> {
  // The store is where the location lies, whatever is said of it.
  const { store: _store, ...others } = metadata;
  if (isDeeper(others, deepestMetadata) || Buffer.byteLength(JSON.stringify(others)) > longestMetadata)
    throw new BadRequest(
      `The metadata of a location has at most ${longestMetadata} bytes, and is at most ${deepestMetadata} deep.`,
    );
  return others;
}

const isDeeper = (value: unknown, most: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (most === 0 || Object.values(value).some((each) => isDeeper(each, most - 1)));

/** A place in a list, `-` for its end; `undefined` for what is none. */
export function placeIn(position: string | undefined, end: number): number | undefined {
  if (position === '-') return end;
  return position !== undefined && /^\d{1,6}$/.test(position) && Number(position) <= end
    ? Number(position)
    : undefined;
}

/** @throws PayloadTooLarge where an image would have too many; -1 is for any number */
export function assertLocationLimit(count: number, quota: number): void {
  if (quota >= 0 && count > quota)
    throw new PayloadTooLarge(
      `The limit has been exceeded on the number of allowed image locations. Attempted: ${count}, Maximum: ${quota}`,
    );
}

/** @throws BadRequest where a place stands there twice: with one URL, in one store, with the same metadata */
export function assertDifferent(places: readonly Place[], address: (place: Place) => string): void {
  const seen = new Set<string>();
  for (const place of places) {
    const what = JSON.stringify([place.store, place.url, sorted(place.location_metadata ?? {})]);
    if (seen.has(what)) throw new BadRequest(`The location ${address(place)} already exists`);
    seen.add(what);
  }
}

/** Objects are the same in whatever order their members were written. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [name, sorted(each)]);
};

/**
 * The places of an image in the order and with the metadata that are given. The URLs have to be those that it has.
 *
 * @throws BadRequest where they are not
 */
export function rearranged(
  places: readonly Place[],
  given: readonly GivenLocation[],
  address: (place: Place) => string,
): Place[] {
  const left = [...places];
  const found = given.flatMap((each) => {
    const at = left.findIndex((place) => address(place) === each.url);
    return at < 0
      ? []
      : left.splice(at, 1).map((place) => ({ ...place, location_metadata: metadataOf(each) }));
  });
  if (found.length < given.length || left.length > 0)
    throw new BadRequest(`Original locations is not empty: ${places.map(address).join(', ')}`);
  return found;
}

/**
 * What an image is to say of its bytes' hashes after locations were given with theirs: all of them say the same, and
 * the same as the image where it says something.
 *
 * @throws Conflict in glance's words for hashes that it cannot take
 */
export function hashesOf(row: ImageRow, given: readonly GivenLocation[]): Partial<ImageRow> {
  const said = new Map<keyof ValidationData, string>();
  for (const { validation_data: data = {} } of given)
    for (const [name, value] of Object.entries(data) as [keyof ValidationData, string][]) {
      if ((said.get(name) ?? value) !== value) throw new Conflict(`Conflicting values for ${name}`);
      said.set(name, value);
    }
  const fresh = [...said].filter(([name, value]) => row[name] !== value);
  if (fresh.length === 0) return {};
  const set = fresh.find(([name]) => row[name]);
  if (set) throw new Conflict(`${set[0]} is already set with a different value`);
  if (row.status !== 'queued')
    throw new Conflict(
      `New value(s) for ${fresh.map(([name]) => name).join(', ')} may only be provided when image status is 'queued'`,
    );
  const checksum = said.get('checksum');
  if (checksum !== undefined) assertHex('checksum', checksum, 16, 'md5');
  const algorithm = said.get('os_hash_algo');
  if (algorithm !== 'sha512') throw new Conflict(`os_hash_algo must be sha512, not ${algorithm}`);
  assertHex('os_hash_value', said.get('os_hash_value') ?? '', 64, 'sha512');
  return Object.fromEntries(said);
}

function assertHex(name: string, value: string, bytes: number, algorithm: string): void {
  if (!/^([0-9a-f]{2})*$/i.test(value))
    throw new Conflict(`${name} (${value}) is not a valid hexadecimal value`);
  if (value.length / 2 !== bytes)
    throw new Conflict(
      `${name} (${value}) is not the correct size for ${algorithm} (should be ${bytes} bytes)`,
    );
}
