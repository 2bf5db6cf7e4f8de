import { type Static, type TSchema, Type } from 'typebox';
import type { Call } from '../http/call.ts';
import { type Microversion, microversion } from '../microversion/microversion.ts';
import type { ComparisonOp } from './rows.ts';

/**
 * One attribute of a resource, said once: what a request may set, what a response shows, what a list filters and
 * sorts by, in which microversions, and whose policy allows it.
 */
export interface Attribute<S extends TSchema = TSchema> {
  /** What the value is, in requests; responses show what `from` or the column gives. */
  schema: S;
  /** Whether a create may or must give it; absent: it may not. */
  create?: 'required' | 'optional';
  /** Whether an update may change it. */
  update?: boolean;
  /** What a create that does not give it means. A function is asked anew each time. */
  default?: Static<S> | ((call: Call) => Static<S>);
  /**
   * Brings what a request gave to the schema's form before it is checked, where an API takes several:
   * networking takes `'1'` and `'true'` for `1` and `true`. What it cannot read it returns as it is.
   */
  convert?: (value: unknown) => unknown;
  /** Where it is stored; `false`: nowhere (worked out by `from`, or only written). Default: its name, `:` and `-` as `_`. */
  column?: string | false;
  /** Works the shown value out of a row (and of what `expand` added to it). */
  // biome-ignore lint: a row's type is the resource's, which `resource()` checks where it matters
  from?: (row: never, call: Call) => unknown;
  /** Never shown: passwords and the like. */
  hidden?: boolean;
  /** The microversions in which it exists. */
  since?: string;
  until?: string;
  /** The first microversion in which a create may give it, where it was shown earlier. */
  createSince?: string;
  updateSince?: string;
  /** Policy rules of its own: asked when a request sets it, and before it is shown. */
  policy?: { create?: string; update?: string; show?: string };
  filter?: boolean | Filter | readonly Filter[];
  sort?: boolean;
}

export interface Filter {
  /** The query parameter; default: the attribute's name. */
  param?: string;
  /** Default `eq` (`in` when given several times). */
  op?: ComparisonOp;
  since?: string;
}

export type Attributes = Record<string, Attribute>;

/** What a create's body is, once its defaults are filled in. */
export type CreateBody<A extends Attributes> = {
  [K in keyof A as A[K]['create'] extends 'required' ? K : never]: Static<A[K]['schema']>;
} & {
  [K in keyof A as A[K]['create'] extends 'optional'
    ? A[K] extends { default: unknown }
      ? K
      : never
    : never]: Static<A[K]['schema']>;
} & {
  [K in keyof A as A[K]['create'] extends 'optional'
    ? A[K] extends { default: unknown }
      ? never
      : K
    : never]?: Static<A[K]['schema']>;
};

/** What an update's body is: only what may be updated, each of it optional. */
export type UpdateBody<A extends Attributes> = {
  [K in keyof A as A[K]['update'] extends true ? K : never]?: Static<A[K]['schema']>;
};

/** The column that holds an attribute: `router:external` → `router_external`. */
export function columnOf(name: string, attribute: Attribute): string | undefined {
  if (attribute.column === false) return undefined;
  return attribute.column ?? name.replaceAll(/[:-]/g, '_');
}

/** Whether an attribute exists at a microversion. */
export function existsAt(attribute: Attribute, version: Microversion): boolean {
  if (attribute.since && version < microversion(attribute.since)) return false;
  return !(attribute.until && version > microversion(attribute.until));
}

const settable = (attribute: Attribute, verb: 'create' | 'update', version: Microversion): boolean => {
  if (verb === 'create' ? !attribute.create : !attribute.update) return false;
  if (!existsAt(attribute, version)) return false;
  const since = verb === 'create' ? attribute.createSince : attribute.updateSince;
  return !since || version >= microversion(since);
};

/** The schema of what a create or update may say at a microversion; `open` lets unknown properties through. */
export function bodySchema(
  attributes: Attributes,
  verb: 'create' | 'update',
  version: Microversion,
  open: boolean,
): TSchema {
  const properties: Record<string, TSchema> = {};
  const required: string[] = [];
  for (const [name, attribute] of Object.entries(attributes)) {
    if (!settable(attribute, verb, version)) continue;
    properties[name] = attribute.schema;
    if (verb === 'create' && attribute.create === 'required') required.push(name);
  }
  return Type.Unsafe({
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: open,
  });
}

/** Every microversion at which some attribute changes what requests or responses look like, oldest first. */
export function changes(attributes: Attributes): Microversion[] {
  const versions = new Set<Microversion>([0]);
  for (const { since, until, createSince, updateSince } of Object.values(attributes)) {
    for (const at of [since, createSince, updateSince]) if (at) versions.add(microversion(at));
    if (until) versions.add(microversion(until) + 1);
  }
  return [...versions].sort((a, b) => a - b);
}

/** An attribute's value where the create did not give one. */
export function defaultOf(attribute: Attribute, call: Call): unknown {
  const { default: value } = attribute;
  return typeof value === 'function' ? (value as (call: Call) => unknown)(call) : structuredClone(value);
}
