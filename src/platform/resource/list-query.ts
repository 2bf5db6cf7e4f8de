import { BadRequest } from '../errors/errors.ts';
import type { Call } from '../http/call.ts';
import { microversion } from '../microversion/microversion.ts';
import { type Attribute, type Attributes, columnOf, type Filter } from './attribute.ts';
import type { ComparisonOp, Condition } from './rows.ts';
import type { ResourceStyle } from './style.ts';

/** A filter that a list understands. */
interface KnownFilter {
  column: string;
  op: ComparisonOp | undefined;
  since: number;
  parse(text: string): unknown;
}

type Special = (values: string[], call: Call) => readonly Condition[] | Promise<readonly Condition[]>;

/** @returns a function that reads the filters of a request's query */
export function filterReader(
  attributes: Attributes,
  style: ResourceStyle,
  special: Record<string, Special> = {},
): (call: Call) => Promise<Condition[]> {
  const known = new Map<string, KnownFilter>();
  for (const [name, attribute] of Object.entries(attributes)) {
    for (const filter of filtersOf(attribute)) {
      const column = columnOf(name, attribute);
      if (!column) throw new Error(`${name} has no column to filter by`);
      const param = filter.param ?? name;
      known.set(param, {
        column,
        op: filter.op,
        since: filter.since ? microversion(filter.since) : 0,
        parse: parserOf(param, attribute),
      });
    }
  }
  const { unknownFilters } = style;
  const unknown = typeof unknownFilters === 'function' ? unknownFilters : () => unknownFilters;
  return async (call) => {
    const where: Condition[] = [];
    for (const param of Object.keys(call.query)) {
      if (style.reserved.has(param)) continue;
      const values = call.queryValues(param);
      const own = Object.hasOwn(special, param) ? special[param] : undefined;
      if (own) {
        where.push(...(await own(values, call)));
        continue;
      }
      const asked = known.has(param) ? undefined : style.filter?.(param, values);
      const filter = known.get(asked?.param ?? param);
      if (!filter || call.version < filter.since) {
        if (unknown(call) === 'refuse') {
          throw new BadRequest(`Additional properties are not allowed ('${param}' was unexpected)`);
        }
        continue;
      }
      where.push(condition(filter, asked?.op, asked?.values ?? values));
    }
    return where;
  };
}

const filtersOf = ({ filter }: Attribute): readonly Filter[] => {
  if (!filter) return [];
  if (filter === true) return [{}];
  return Array.isArray(filter) ? filter : [filter as Filter];
};

function condition(filter: KnownFilter, asked: ComparisonOp | undefined, values: string[]): Condition {
  const op = asked ?? filter.op ?? 'eq';
  const parsed = values.map((value) => filter.parse(value));
  if (op === 'in' || op === 'nin') return { column: filter.column, op, value: parsed };
  if (op === 'eq' && parsed.length > 1) return { column: filter.column, op: 'in', value: parsed };
  const value = parsed.at(-1);
  if (value === null) return { column: filter.column, op: 'null' };
  return { column: filter.column, op, value };
}

interface SchemaShape {
  type?: string | string[];
  anyOf?: SchemaShape[];
}

const typesOf = (schema: SchemaShape): string[] => [
  ...[schema.type ?? []].flat(),
  ...(schema.anyOf ?? []).flatMap(typesOf),
];

/** What the text of a query means for this attribute: a boolean, a number, or itself. */
function parserOf(param: string, attribute: Attribute): (text: string) => unknown {
  const types = typesOf(attribute.schema as SchemaShape);
  if (types.includes('boolean')) {
    return (text) => {
      const flag = parseBoolean(text);
      if (flag === undefined)
        throw new BadRequest(`Invalid input for ${param}: '${text.slice(0, 80)}' is not a boolean`);
      return flag;
    };
  }
  if ((types.includes('integer') || types.includes('number')) && !types.includes('string')) {
    return (text) => {
      if (!/^-?\d{1,15}$/.test(text)) {
        throw new BadRequest(`Invalid input for ${param}: '${text.slice(0, 80)}' is not a number`);
      }
      return Number(text);
    };
  }
  return (text) => text;
}

/** The spellings of oslo.utils' strutils.bool_from_string; `undefined` for any other text. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|t|true|on|y|yes)$/i.test(text.trim())) return true;
  if (/^(0|f|false|off|n|no)$/i.test(text.trim())) return false;
  return undefined;
}
