import type { Call } from '../http/call.ts';
import type { ErrorStyle } from '../http/style.ts';
import type { ComparisonOp, SortKey } from './rows.ts';

/** A row as the API shows it. */
export type View = Record<string, unknown>;

/** What a list was asked for, read from its query by the API's style. */
export interface PageRequest {
  limit?: number;
  /** The id of the row before the page. */
  marker?: string;
  /** By attribute. */
  sort: { attribute: string; direction: SortKey['direction'] }[];
  /** Only these attributes; all when absent. */
  fields?: string[];
  /** Backwards from the marker. */
  reverse?: boolean;
}

export interface Page {
  views: View[];
  request: PageRequest;
  /** Whether the page is as long as its limit, so that there may be more. */
  full: boolean;
}

/** The names of one resource, for links and wrappers. */
export interface ResourceNames {
  one: string;
  many: string;
  /** Where its collection is, the API's prefix included. */
  path: string;
}

/** How an API wraps, links and pages its resources: what is the same for all of them, and differs between APIs. */
export interface ResourceStyle {
  errors: ErrorStyle;
  /** Put before every resource's path: `/v2.1`. */
  prefix: string;
  updateMethod: 'PUT' | 'PATCH';
  status: { create: number; update: number; delete: number };
  /** What becomes of properties that the resource does not have: an error, or they are handed to `create`/`update`. */
  unknownProperties: 'refuse' | 'keep';
  /** What becomes of query parameters that are neither filters nor the style's own. */
  unknownFilters: 'refuse' | 'ignore' | ((call: Call) => 'refuse' | 'ignore');
  /** A body without the wrapper is taken for an empty resource, of which the schema then complains. */
  absentWrapper?: 'empty';
  /** A page leads on only where something follows it; otherwise wherever it is as long as its limit. */
  looksAhead?: boolean;
  /** An update that changes nothing is an error. */
  emptyUpdate?: 'refuse';
  /** Adds what every item of this API carries: links, mostly. */
  decorate?(view: View, names: ResourceNames, call: Call): View;
  one(view: View, names: ResourceNames, call: Call): unknown;
  many(page: Page, names: ResourceNames, call: Call): unknown;
  page(call: Call): PageRequest;
  /** Query parameters that belong to paging. */
  reserved: ReadonlySet<string>;
  /** Splits a query parameter into attribute and comparison, where the API has a syntax for it: `name__contains`. */
  filter?(param: string, values: string[]): { param: string; op: ComparisonOp; values: string[] } | undefined;
  /** Whether a create may carry a list of resources (`{ networks: [...] }`), made all or none. */
  bulk?: boolean;
  /** A create that says of an attribute what its default is does not ask the attribute's own rule, as in networking. */
  defaultsNeedNoRule?: boolean;
  /**
   * Whether policy is asked before it is said that something does not exist, as identity does: to whom the rule denies
   * a verb, what is there and what is not is forbidden alike. Otherwise what a caller may not see is not found.
   */
  policyFirst?: boolean;
  /** Looks at preconditions of an update or delete, in its transaction: `If-Match` and revisions. */
  precondition?(call: Call, row: object): void;
  /** The error for an id that is not there (or not the caller's to see). */
  notFound(names: ResourceNames, id: string): Error;
  badMarker(names: ResourceNames, marker: string): Error;
}
