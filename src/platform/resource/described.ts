import type { Route } from '../http/route.ts';
import type { Attributes } from './attribute.ts';
import type { Verb } from './resource.ts';
import type { ResourceNames, ResourceStyle } from './style.ts';

/** What a resource's routes were made of: for what else follows from a description, as its tests do. */
export interface DescribedResource {
  names: ResourceNames;
  /** The column that the item's parameter names. */
  key: string;
  attributes: Attributes;
  style: ResourceStyle;
  status: ResourceStyle['status'];
  verbs: readonly Verb[];
  /** Whether the plain list is a summary, with a `/detail` list beside it. */
  detailed: boolean;
  since?: string;
  until?: string;
}

/** The resources that the routes of an API were made of, each once, in their order. */
export function describedIn(routes: readonly Route[]): DescribedResource[] {
  const found = routes.flatMap(({ from }) => (from ? [from as DescribedResource] : []));
  return [...new Set(found)];
}
