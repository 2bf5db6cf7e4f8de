import { isIP } from 'node:net';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { TSchema } from 'typebox';

/** Why a value does not fit its schema, in the words of Python's jsonschema, which OpenStack's clients know. */
export interface Invalid {
  /** Where, as names from the top: `['server', 'networks', '0', 'uuid']`. */
  path: string[];
  /** `'' is too short`, `'ram' is a required property`, … */
  message: string;
  /** The JSON Schema keyword that was not met: `required`, `additionalProperties`, `type`, … */
  keyword: string;
  /** The property that is missing or unexpected, for the two keywords that name one. */
  property?: string;
  value: unknown;
  /** Where in the schema the rule stands: `['properties', 'total']`. */
  schemaPath?: string[];
}

let ajv: Ajv | undefined;

/** The first compilation of ajv costs some 80 ms, so nothing is compiled before it is used. */
function compiler(): Ajv {
  if (ajv) return ajv;
  ajv = new Ajv({ strict: false, allErrors: false, verbose: true, coerceTypes: false, useDefaults: false });
  for (const [name, test] of Object.entries(formats)) ajv.addFormat(name, { type: 'string', validate: test });
  return ajv;
}

const uuidLike = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const cidr = (text: string, family?: 4 | 6): boolean => {
  const [ip = '', prefix, more] = text.split('/');
  const version = isIP(ip);
  if (version === 0 || more !== undefined || prefix === undefined || !/^\d{1,3}$/.test(prefix)) return false;
  return Number(prefix) <= (version === 4 ? 32 : 128) && (family === undefined || family === version);
};

const formats: Record<string, (text: string) => boolean> = {
  uuid: (text) => uuidLike.test(text),
  ip: (text) => isIP(text) !== 0,
  ipv4: (text) => isIP(text) === 4,
  ipv6: (text) => isIP(text) === 6,
  cidr: (text) => cidr(text),
  mac: (text) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text),
  uri: (text) => URL.canParse(text),
  'date-time': (text) => /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/.test(text),
  base64: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/\s]*={0,2}$/.test(text),
};

/** A check of one schema, compiled when first used. */
export type Validator = (value: unknown) => Invalid | undefined;

/** @returns a function that answers `undefined` for a value that fits, else why it does not */
export function validator(schema: TSchema | (() => TSchema)): Validator {
  let check: ValidateFunction | undefined;
  return (value) => {
    check ??= compiler().compile(typeof schema === 'function' ? schema() : schema);
    if (check(value)) return undefined;
    return describe(mostTelling(check.errors ?? []));
  };
}

/** Of the alternatives of an anyOf that all failed, the one that got furthest says most. */
function mostTelling(errors: ErrorObject[]): ErrorObject {
  const concrete = errors.filter((error) => error.keyword !== 'anyOf' && error.keyword !== 'oneOf');
  const union = errors.find((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf');
  const deepest = concrete.toSorted((a, b) => b.instancePath.length - a.instancePath.length)[0];
  const notNull = union && insteadOfNull(union, concrete);
  if (notNull) return notNull;
  if (union && (!deepest || deepest.instancePath.length <= union.instancePath.length)) return union;
  return deepest ?? (errors[0] as ErrorObject);
}

/**
 * What "this or null" has against a value. Upstream says it by a list of types, so its complaint is of the type, or of
 * the rule that the other type has; never of two schemas.
 */
function insteadOfNull(union: ErrorObject, concrete: readonly ErrorObject[]): ErrorObject | undefined {
  const one = concrete.find((error) => !isNullType(error));
  if (!one || concrete.length !== 2 || !concrete.some(isNullType)) return undefined;
  const alternatives: unknown = union.schema;
  if (!Array.isArray(alternatives) || alternatives.length !== 2) return undefined;
  if (one.keyword !== 'type' || one.instancePath !== union.instancePath) return one;
  return { ...one, params: { type: [one.params['type'], 'null'].flat() } };
}

const isNullType = ({ keyword, params }: ErrorObject): boolean =>
  keyword === 'type' && params['type'] === 'null';

/** A value as Python's repr would show it in a message: `None`, `True`, `'text'`, `['a']`. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') {
    const text = value.replaceAll('\\', '\\\\');
    return text.includes("'") ? `"${text}"` : `'${text}'`;
  }
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

function describe(error: ErrorObject): Invalid {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const value: unknown = error.data;
  const shown = pythonRepr(value).slice(0, 300);
  const params = error.params as Record<string, unknown>;
  const message = (() => {
    switch (error.keyword) {
      case 'required':
        return `'${params['missingProperty']}' is a required property`;
      case 'additionalProperties':
        return unexpected(String(params['additionalProperty']), error.parentSchema);
      case 'type':
        return `${shown} is not of type ${[params['type']].flat().map(pythonRepr).join(', ')}`;
      case 'enum':
        return `${shown} is not one of ${pythonRepr(params['allowedValues'])}`;
      case 'const':
        return `${shown} is not ${pythonRepr(params['allowedValue'])}`;
      case 'minLength':
      case 'minItems':
        return `${shown} is too short`;
      case 'maxLength':
      case 'maxItems':
        return `${shown} is too long`;
      case 'minimum':
        return `${shown} is less than the minimum of ${params['limit']}`;
      case 'maximum':
        return `${shown} is greater than the maximum of ${params['limit']}`;
      case 'minProperties':
        return `${shown} does not have enough properties`;
      case 'maxProperties':
        return `${shown} has too many properties`;
      case 'uniqueItems':
        return `${shown} has non-unique elements`;
      case 'pattern':
        return `${shown} does not match ${pythonRepr(params['pattern'])}`;
      case 'format':
        return `${shown} is not a '${params['format']}'`;
      case 'anyOf':
      case 'oneOf':
        return `${shown} is not valid under any of the given schemas`;
      default:
        return `${shown} ${error.message ?? 'is not valid'}`;
    }
  })();
  const property = params['missingProperty'] ?? params['additionalProperty'];
  return {
    path,
    message,
    keyword: error.keyword,
    ...(typeof property === 'string' ? { property } : {}),
    value,
    schemaPath: error.schemaPath.split('/').slice(1, -1).map(decodeURIComponent),
  };
}

/** Where properties are named by patterns, the name is what is wrong. */
function unexpected(name: string, schema: ErrorObject['parentSchema']): string {
  const patterns = Object.keys((schema?.['patternProperties'] as object | undefined) ?? {});
  if (patterns.length === 0) return `Additional properties are not allowed ('${name}' was unexpected)`;
  return `'${name}' does not match any of the regexes: ${patterns.toSorted().map(pythonRepr).join(', ')}`;
}
