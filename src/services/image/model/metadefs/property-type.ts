import { BadRequest } from '../../../../platform/errors/errors.ts';

/** What a property of a namespace may hold, in the words of JSON Schema: as it is stored and shown. */
export interface PropertyType {
  name?: string;
  type: string;
  title: string;
  description?: string;
  operators?: string[];
  /** Always text, whatever the type; null where it was nothing that text can say. */
  default?: string | null;
  readonly?: boolean;
  minimum?: number;
  maximum?: number;
  enum?: string[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  confidential?: boolean;
  items?: { type: string; enum?: string[] };
  uniqueItems?: boolean;
  minItems?: number;
  maxItems?: number;
  additionalItems?: boolean;
}

export type PropertyTypes = Record<string, PropertyType>;

type Kind = 'text' | 'texts' | 'whole' | 'flag' | 'default' | 'items';
const kinds: Readonly<Record<keyof PropertyType, Kind>> = {
  name: 'text',
  type: 'text',
  title: 'text',
  description: 'text',
  operators: 'texts',
  default: 'default',
  readonly: 'flag',
  minimum: 'whole',
  maximum: 'whole',
  enum: 'texts',
  pattern: 'text',
  minLength: 'whole',
  maxLength: 'whole',
  confidential: 'flag',
  items: 'items',
  uniqueItems: 'flag',
  minItems: 'whole',
  maxItems: 'whole',
  additionalItems: 'flag',
};

/**
 * Brings a property to the form that glance gives it (its model's attributes, glance/api/v2/model): defaults become
 * text, bounds whole numbers.
 *
 * @param what its name, for messages
 * @throws BadRequest for an attribute that properties do not have, or a value of another kind
 */
export function readPropertyType(given: object, what: string): PropertyType {
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(kinds, name))
      throw new BadRequest(`Unknown attribute '${name}' of property '${what}'.`);
    const kind = kinds[name as keyof PropertyType];
    const made = readers[kind](value);
    if (made === undefined) throw new BadRequest(`Invalid value of '${name}' of property '${what}'.`);
    read[name] = made;
  }
  for (const name of ['type', 'title'])
    if (read[name] === undefined) throw new BadRequest(`Property '${what}' needs a ${name}.`);
  return read as unknown as PropertyType;
}

/** @throws BadRequest, as `readPropertyType` */
export const readPropertyTypes = (given: object): PropertyTypes =>
  Object.fromEntries(
    Object.entries(given).map(([name, each]) => {
      if (name.length > longestName) throw tooLong('property', name);
      return [name, readPropertyType(each as object, name)];
    }),
  );

/** Names of everything inside of namespaces, and of themselves. */
export const longestName = 80;
export const tooLong = (what: string, name: string): BadRequest =>
  new BadRequest(`The name of the ${what} '${name.slice(0, 100)}' is longer than ${longestName} characters.`);

const isText = (value: unknown): value is string => typeof value === 'string';
const textOf = (value: unknown) => (isText(value) ? value : undefined);
const textsOf = (value: unknown) => (Array.isArray(value) && value.every(isText) ? value : undefined);

const readers: Record<Kind, (value: unknown) => unknown> = {
  text: textOf,
  texts: textsOf,
  whole: (value) => (Number.isFinite(value) ? Math.trunc(value as number) : undefined),
  flag: (value) => (typeof value === 'boolean' ? value : undefined),
  default(value) {
    // As Python writes them.
    if (value === true) return 'True';
    if (value === false) return 'False';
    return isText(value) || typeof value === 'number' ? String(value) : null;
  },
  items(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const { type, enum: words, ...more } = value as Record<string, unknown>;
    if (!isText(type) || Object.keys(more).length > 0) return undefined;
    if (words === undefined) return { type };
    return textsOf(words) ? { type, enum: words } : undefined;
  },
};
