import { type TSchema, Type } from 'typebox';

/** Source of the rules: nova/api/validation/parameter_types.py. */

/** Printable text without white space at its ends. */
export const Name = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^(?!\\p{Zs})[^\\p{C}\\p{Zl}\\p{Zp}]*(?<!\\p{Zs})$',
});

/** A name that is part of `zone:host:node` in requests. */
export const AvailabilityZoneName = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^(?!\\p{Zs})[^\\p{C}\\p{Zl}\\p{Zp}:]*(?<!\\p{Zs})$',
});

export const HostName = Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-._]*$' });

/** At most `maxLength` printable characters, or null. */
export const description = (maxLength: number) =>
  Type.Union([Type.Null(), Type.String({ maxLength, pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]*$' })]);

/** What the database's integers hold. */
export const maxInteger = 0x7fffffff;

/** Numbers may come as text: `'512'` is 512. */
export const toInteger = (value: unknown): unknown =>
  typeof value === 'string' && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;

/** Booleans may come as text, in the spellings that nova's schema lists. */
export function toBoolean(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^(True|TRUE|true|1|ON|On|on|YES|Yes|yes)$/.test(value)) return true;
  if (/^(False|FALSE|false|0|OFF|Off|off|NO|No|no)$/.test(value)) return false;
  return value;
}

/** A boolean in a body that is not a described resource: read it with `toBoolean`. */
export const LooseBoolean = Type.Unsafe<boolean | string>({
  type: ['boolean', 'string'],
  enum: [
    true,
    false,
    ...'True TRUE true 1 ON On on YES Yes yes False FALSE false 0 OFF Off off NO No no'.split(' '),
  ],
});

/** `{ [wrapper]: { … } }` with nothing beside it. */
export const wrapped = <const K extends string, S extends TSchema>(wrapper: K, schema: S) =>
  Type.Object({ [wrapper]: schema } as Record<K, S>, { additionalProperties: false });

/** An object that has these properties and no others. */
export const closed = <P extends Record<string, TSchema>>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });

/** Text by names of `[a-zA-Z0-9-_:. ]`: metadata and extra specs. */
export const metadataOf = <S extends TSchema>(value: S, limits: { min?: number; max?: number } = {}) =>
  Type.Unsafe<Record<string, S extends { static: infer V } ? V : unknown>>({
    type: 'object',
    patternProperties: { '^[a-zA-Z0-9-_:. ]{1,255}$': value },
    additionalProperties: false,
    ...(limits.min === undefined ? {} : { minProperties: limits.min }),
    ...(limits.max === undefined ? {} : { maxProperties: limits.max }),
  });
