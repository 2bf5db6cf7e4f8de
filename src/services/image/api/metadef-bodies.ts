import { type TSchema, Type } from 'typebox';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import { type Validator, validator } from '../../../platform/http/validation.ts';
import {
  longestName,
  type PropertyTypes,
  readPropertyTypes,
  tooLong,
} from '../model/metadefs/property-type.ts';
import { metadefBodies } from './metadef-schemas.ts';

type Kind = keyof typeof metadefBodies;
type Fields = Record<string, unknown>;

const validators = new Map<Kind, Validator>();

/** A body's schema for the API's description. */
export const documentedBody = (kind: Kind): TSchema => Type.Unsafe(checked(kind));

/** Formats are said and not checked, as upstream; a body that is no object is wrong whatever else. */
const checked = (kind: Kind): object =>
  JSON.parse(
    JSON.stringify({ type: 'object', ...metadefBodies[kind] }, (key, value: unknown) =>
      key === 'format' && typeof value === 'string' ? undefined : value,
    ),
  ) as object;

/** @throws BadRequest in glance's words */
export function assertMetadef(kind: Kind, value: unknown): void {
  let check = validators.get(kind);
  if (!check) validators.set(kind, (check = validator(() => documentedBody(kind))));
  const problem = check(value);
  if (!problem) return;
  const { name } = metadefBodies[kind];
  throw new BadRequest(`Provided object does not match schema '${name}': ${problem.message}`);
}

/**
 * The body of a request, once it fits its schema.
 *
 * @param readOnly attributes that only the service sets
 * @throws BadRequest, Forbidden in glance's words, in glance's order
 */
export function readMetadef(kind: Kind, body: unknown, readOnly: readonly string[]): Fields {
  if (body === undefined) throw new BadRequest('Body expected in request.');
  if (typeof body === 'object' && body !== null)
    for (const name of readOnly)
      if (Object.hasOwn(body, name)) throw new Forbidden(`Attribute '${name}' is read-only.`);
  assertMetadef(kind, body);
  return body as Fields;
}

export const onlyTimes = ['created_at', 'updated_at'];
export const onlyOurs = ['self', 'schema', ...onlyTimes];

export interface NewObject {
  name: string;
  description?: string;
  required?: string[];
  properties?: PropertyTypes;
}
export interface NewAssociation {
  name: string;
  prefix?: string;
  properties_target?: string;
}

/** @throws BadRequest */
export function readObject(given: Fields): NewObject {
  const { name, description, required, properties } = known(
    given,
    ['name', 'description', 'required', 'properties', ...onlyOurs],
    'object',
  );
  return {
    name: nameOf(name, 'object'),
    ...(description === undefined ? {} : { description: description as string }),
    ...(required === undefined ? {} : { required: required as string[] }),
    ...(properties === undefined ? {} : { properties: readPropertyTypes(properties as object) }),
  };
}

/** @throws BadRequest */
export function readAssociation(given: Fields): NewAssociation {
  const { name, prefix, properties_target } = known(
    given,
    ['name', 'prefix', 'properties_target', ...onlyTimes],
    'resource type',
  );
  for (const each of [prefix, properties_target])
    if (typeof each === 'string' && each.length > longestName)
      throw new BadRequest(`'${each.slice(0, 100)}' is too long`);
  return {
    name: nameOf(name, 'resource type'),
    ...(prefix === undefined ? {} : { prefix: prefix as string }),
    ...(properties_target === undefined ? {} : { properties_target: properties_target as string }),
  };
}

/** @throws BadRequest */
export const readTag = (given: Fields): string =>
  nameOf(known(given, ['name', ...onlyTimes], 'tag')['name'], 'tag');

/** @throws BadRequest for a name that is missing, empty or too long to be kept */
export function nameOf(name: unknown, what: string): string {
  if (typeof name !== 'string' || name === '') throw new BadRequest(`Every ${what} needs a name.`);
  if (name.length > longestName) throw tooLong(what, name);
  return name;
}

/** The first name that has been there before. */
export function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** Inside of lists the schemas are open; what nothing would come of is refused all the same. */
function known(given: Fields, names: readonly string[], what: string): Fields {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new BadRequest(`Unknown attribute '${unknown}' of a metadata ${what}.`);
  return given;
}
