import { randomUUID } from 'node:crypto';
import type { TSchema } from 'typebox';
import { validator } from '../../http/validation.ts';

/** What of a JSON schema the values here are made by. */
export interface Shape {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Shape[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minItems?: number;
  items?: Shape;
  properties?: Record<string, Shape>;
  required?: string[];
}

let made = 0;
/** A number that no other value of this process is made of. */
export const fresh = (): number => ++made;

const pair = (n: number) => (n & 255).toString(16).padStart(2, '0');
const formats: Record<string, (n: number) => string> = {
  uuid: () => randomUUID(),
  ip: (n) => `10.0.${n >> 8}.${n & 255}`,
  ipv4: (n) => `10.0.${n >> 8}.${n & 255}`,
  ipv6: (n) => `2001:db8::${n.toString(16)}`,
  cidr: (n) => `10.${n >> 8}.${n & 255}.0/24`,
  mac: (n) => `fa:16:3e:00:${pair(n >> 8)}:${pair(n)}`,
  uri: (n) => `http://host-${n}.example/`,
  'date-time': () => '2031-02-03T04:05:06Z',
  base64: (n) => Buffer.from(`text ${n}`).toString('base64'),
};

/** Texts, of which patterns mostly let one pass. */
const texts = [(n: number) => `text-${n}`, (n: number) => `http://host-${n}.example/`, (n: number) => `${n}`];

/**
 * A value that fits a schema; each call gives another wherever the schema has more than one.
 *
 * @throws Error where it takes more than the schema to know one: `samples` say it then
 */
export function sample(schema: TSchema, before?: unknown): unknown {
  const fits = validator(schema);
  const found = candidates(schema as Shape).find(
    (value) => fits(value) === undefined && JSON.stringify(value) !== JSON.stringify(before),
  );
  if (found !== undefined) return found;
  const same = candidates(schema as Shape).find((value) => fits(value) === undefined);
  if (same !== undefined) return same;
  throw new Error(`no value is known for ${JSON.stringify(schema)}: give one in 'samples'`);
}

function candidates(shape: Shape): unknown[] {
  const n = fresh();
  if ('const' in shape) return [shape.const];
  if (shape.enum) return shape.enum;
  // What says something comes before null, which says nothing.
  if (shape.anyOf)
    return shape.anyOf.flatMap(candidates).toSorted((a, b) => Number(a === null) - Number(b === null));
  return [shape.type ?? []].flat().flatMap((type) => ofType(type, shape, n));
}

function ofType(type: string, shape: Shape, n: number): unknown[] {
  switch (type) {
    case 'boolean':
      return [true, false];
    case 'integer':
    case 'number': {
      const least = shape.minimum ?? (shape.exclusiveMinimum ?? 0) + 1;
      const span = Math.min((shape.maximum ?? least + 1000) - least + 1, 1000);
      return [least + (n % span), least + ((n + 1) % span)];
    }
    case 'string':
      if (shape.format) return [formats[shape.format]?.(n) ?? ''];
      return texts.map((text) => text(n).slice(0, shape.maxLength ?? Number.POSITIVE_INFINITY));
    case 'array': {
      const [item] = shape.items ? candidates(shape.items) : [undefined];
      return item === undefined ? [[]] : [[item], []];
    }
    case 'object': {
      const properties = Object.entries(shape.properties ?? {}).map(([name, of]) => [
        name,
        candidates(of)[0],
      ]);
      return [Object.fromEntries(properties)];
    }
    case 'null':
      return [null];
    default:
      return [];
  }
}

/** Values of every JSON type, odd ones among them. */
export const oddValues: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e300,
  '',
  'no such thing',
  'a\u0000b',
  '\ud800',
  [],
  [null],
  [[]],
  {},
  { a: { b: [] } },
];

/** Texts that are longer, and numbers that are further out, than a schema allows. */
export function beyond(schema: TSchema): unknown[] {
  const shape = schema as Shape;
  return all(shape).flatMap(({ type, maxLength, minimum, maximum, format }) => {
    const types = [type ?? []].flat();
    return [
      ...(types.includes('string') && format === undefined ? ['x'.repeat((maxLength ?? 65_535) + 1)] : []),
      ...(minimum === undefined ? [] : [minimum - 1]),
      ...(maximum === undefined ? [] : [maximum + 1]),
      ...(types.includes('integer') && maximum === undefined ? [2 ** 70] : []),
    ];
  });
}

const all = (shape: Shape): Shape[] => [shape, ...(shape.anyOf ?? []).flatMap(all)];

/** What a validator says of a value as a request gives it, conversions first. */
export const fitting = (attribute: {
  schema: TSchema;
  convert?: (value: unknown) => unknown;
}): ((value: unknown) => boolean) => {
  const check = validator(attribute.schema);
  return (value) => {
    // No attribute takes what is no text, whatever its schema says.
    if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) return false;
    return check(attribute.convert ? attribute.convert(value) : value) === undefined;
  };
};
